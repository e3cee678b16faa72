"""`train-first-stage` for HDCT: killed and started again, it ends in the same bytes."""

import shutil
import signal
from pathlib import Path

import pytest
import yaml

from tests.training.conftest import STUDY
from tests.training.jobs import Blow, sirbench

CANDIDATES = {
    "hdct": {
        "first_stage": "hdct",
        "backbone": "bert",
        "options": {"max_passages": 2, "k1": 10.0},
        "training": {"steps": 6, "batch": 4, "checkpoint_every": 2, "learning_rate": 1e-3},
    }
}
TRAIN = ("train-first-stage", "--study", "small", "--candidates", "hdct")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, pydocs_sliver):
    """A working folder with all that the first stage reads."""
    from sirbench.config import load
    from sirbench.steps.backbone import fetch_backbone, tokenize
    from sirbench.steps.collection import make_collection

    folder = tmp_path_factory.mktemp("hdct") / "prepared"
    shutil.copytree(Path(__file__).parents[2] / "config", folder / "config")
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(STUDY | {"candidates": CANDIDATES}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config = load("small")
        make_collection(config)
        fetch_backbone(config, "bert")
        tokenize(config, "bert")
    return folder


@pytest.fixture
def work(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "work")


def learned(folder):
    """What must be the same bytes whatever has happened on the way."""
    root = folder / "results/small/candidates/hdct/learned"
    assert not (root / "checkpoint").exists()
    return {name: (root / name).read_bytes() for name in ("model/model.safetensors", "train.jsonl")}


@pytest.fixture(scope="module")
def uninterrupted(prepared, tmp_path_factory):
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("uninterrupted") / "work")
    ended = sirbench(folder, *TRAIN)
    assert ended.code == 0, ended.output
    return learned(folder)


@pytest.mark.parametrize(
    "blow",
    [
        Blow("sirbench.training.record.StepLog.write", 1),  # before there is any checkpoint
        Blow("torch.optim.AdamW.step", 5),
        Blow("torch.save", 2),  # written, and not yet in its place
        Blow("sirbench.training.ending.write_provenance", 1, "before"),
    ],
    ids=str,
)
def test_killed_and_started_again(blow, work, uninterrupted):
    assert sirbench(work, *TRAIN, blow=blow).code == -signal.SIGKILL
    ended = sirbench(work, *TRAIN)
    assert ended.code == 0, ended.output
    assert learned(work) == uninterrupted


def test_other_settings_of_retrieval_and_checkpoints_resume_too(work, uninterrupted):
    assert sirbench(work, *TRAIN, blow=Blow("torch.optim.AdamW.step", 5)).code == -signal.SIGKILL
    hdct = CANDIDATES["hdct"]
    options = hdct["options"] | {"k1": 3.0, "b": 0.1, "combination": "sum"}
    training = hdct["training"] | {"checkpoint_every": 5}
    study = STUDY | {"candidates": {"hdct": hdct | {"options": options, "training": training}}}
    (work / "config/studies/small.yaml").write_text(yaml.safe_dump(study))
    ended = sirbench(work, *TRAIN, blow=Blow("torch.optim.AdamW.step", 3))
    assert ended.code == 0, "the third of the last two steps"
    assert learned(work) == uninterrupted


def test_asked_to_stop_then_trained_and_retrieved(work, uninterrupted):
    ended = sirbench(work, *TRAIN, blow=Blow("torch.optim.AdamW.step", 3, signal=signal.SIGTERM))
    assert ended.code == 75, ended.output
    assert "first stage hdct: stopped by a signal after 4 steps; start it again" in ended.output
    assert sirbench(work, *TRAIN).code == 0
    assert learned(work) == uninterrupted
    ended = sirbench(work, "candidates", "--study", "small", "--candidates", "hdct")
    assert ended.code == 0, ended.output
    for split in ("train", "dev"):
        assert (work / f"results/small/candidates/hdct/{split}.trec.gz").exists()
