"""A study ready to be trained: 9 queries, so that the third and last step of an epoch has one block."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

STUDY = {
    "title": "small",
    "demonstration": True,
    "collection": {
        "train": "pydocs-sliver/train",
        "dev": "pydocs-sliver/dev",
        "train_queries": 9,
        "dev_queries": 2,
    },
    "candidates": {"bm25": {"first_stage": "bm25"}},
    "depth": 12,
    "backbones": {
        "bert": {"source": "tiny", "layers": 1, "hidden": 16, "heads": 2, "vocabulary": 500},
        "still": {"source": "folder", "path": "still"},
    },
    "group_sizes": {88: 6, 48: 4, 16: 3, 8: 2},
    "input": {"max_tokens": 32, "max_query_tokens": 12},
    "training": {"checkpoint_every": 2, "learning_rate": 1e-3},
    "compute": {"gpus": 0, "chunk_tokens": 256},
    "seeds": [1, 2],
}


def write_study(folder: Path, compute: dict | None = None, **training) -> None:
    """Write study `small` into a folder's config/, with other settings of `training` and of `compute`."""
    content = STUDY | {
        "training": STUDY["training"] | training,
        "compute": STUDY["compute"] | (compute or {}),
    }
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, pydocs_sliver):
    """A working folder with all that training reads; backbone `still` is `bert` without dropout."""
    from sirbench.config import load
    from sirbench.steps.backbone import fetch_backbone, tokenize
    from sirbench.steps.candidates import make_candidates
    from sirbench.steps.collection import make_collection

    folder = tmp_path_factory.mktemp("training") / "prepared"
    shutil.copytree(Path(__file__).parents[2] / "config", folder / "config")
    write_study(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config = load("small")
        make_collection(config)
        make_candidates(config, "bm25")
        fetch_backbone(config, "bert")
        shutil.copytree("results/small/backbones/bert", "still")
        settings = json.loads(Path("still/config.json").read_text())
        settings |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        Path("still/config.json").write_text(json.dumps(settings))
        fetch_backbone(config, "still")
        tokenize(config, "bert")
        tokenize(config, "still")
    return folder


@pytest.fixture(scope="session")
def uninterrupted(prepared, tmp_path_factory):
    """What a training of the cell that `train` names ends in where nothing disturbs it."""
    from tests.training.jobs import cell, results, train

    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("uninterrupted") / "work")
    ended = train(folder)
    assert ended.code == 0, ended.output
    return results(cell(folder))


@pytest.fixture
def work(prepared, tmp_path):
    """A fresh copy of `prepared`."""
    return shutil.copytree(prepared, tmp_path / "work")
