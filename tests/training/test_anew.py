"""A checkpoint of other files, arithmetic or revision is not resumed, whatever it is that is trained."""

import json
import shutil
import signal

import pytest
import yaml

from sirbench.jobs.job import FIRST_STAGE, METHOD, PRETRAINING
from sirbench.machine.manifest import manifest_of
from tests.training.conftest import STUDY
from tests.training.jobs import CELL, Blow, sirbench

TRAINING = {"checkpoint_every": 2, "learning_rate": 1e-3}
FIRST_STAGE_SPEC = {
    "first_stage": "hdct",
    "backbone": "bert",
    "options": {"max_passages": 2},
    "training": {"steps": 6, "batch": 4, **TRAINING},
}
BACKBONE = {
    "source": "pretrained",
    "start": "bert",
    "objectives": {"mlm": 1},
    "corpus": {"source": "collection"},
    "batch": 2,
    "steps": 6,
    "training": TRAINING,
}
KINDS = {
    "cell": ("train", *CELL, "--backbone", "bert", "--recipe", "v0", "--seed", "1"),
    "first stage": ("train-first-stage", "--study", "small", "--candidates", "hdct"),
    "pre-training": ("pretrain-backbone", "--study", "small", "--backbone", "more"),
}


def write(folder, **compute):
    """Study `small` with one training of each kind."""
    content = STUDY | {
        "candidates": STUDY["candidates"] | {"hdct": FIRST_STAGE_SPEC},
        "backbones": STUDY["backbones"] | {"more": BACKBONE},
        "compute": STUDY["compute"] | compute,
    }
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def ready(prepared, tmp_path_factory):
    """A working folder with all that these trainings read."""
    from sirbench.config import load
    from sirbench.jobs.pretraining import corpora
    from sirbench.steps.pretraining import tokenize_corpus

    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("anew") / "work")
    write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config = load("small")
        tokenize_corpus(config, *corpora(config.study))
    return folder


@pytest.fixture(scope="module", params=KINDS)
def interrupted(request, ready, tmp_path_factory):
    """The kind of training, and a folder in which it was killed after five of six steps."""
    folder = shutil.copytree(ready, tmp_path_factory.mktemp("interrupted") / "work")
    ended = sirbench(folder, *KINDS[request.param], blow=Blow("torch.optim.AdamW.step", 5))
    assert ended.code == -signal.SIGKILL, ended.output
    return request.param, folder


def replace_file(path, text):
    """As if the backbone had been made anew; a file that changes under its manifest is refused instead."""
    path.write_text(text)
    manifest_of(path.parent).unlink()


def more_dropout(folder):
    path = folder / "results/small/backbones/bert/config.json"
    settings = json.loads(path.read_text())
    assert settings["hidden_dropout_prob"] == 0.1
    replace_file(path, json.dumps(settings | {"hidden_dropout_prob": 0.5}))


def other_tokenizer(folder):
    """The same to a tokenizer, but not the same bytes."""
    path = folder / "results/small/backbones/bert/tokenizer.json"
    replace_file(path, path.read_text() + "\n")


CHANGES = {
    "nothing": (lambda folder: None, True),
    "the memory that is asked for": (lambda folder: write(folder, mem_mb=9000), True),
    "the precision": (lambda folder: write(folder, precision="bf16"), False),
    "how many tokens go through the encoder at once": (lambda folder: write(folder, chunk_tokens=128), False),
    "the backbone's dropout": (more_dropout, False),
    "the backbone's tokenizer": (other_tokenizer, False),
}


@pytest.mark.parametrize(("change", "resumes"), CHANGES.values(), ids=CHANGES)
def test_what_has_changed_between_two_attempts_is_noticed(change, resumes, interrupted, tmp_path):
    kind, before = interrupted
    folder = shutil.copytree(before, tmp_path / "work")
    change(folder)
    # The message comes before the first step, which is enough to see.
    ended = sirbench(folder, *KINDS[kind], blow=Blow("torch.optim.AdamW.step", 1))
    assert ended.code == -signal.SIGKILL, ended.output
    assert ("resuming after 4 steps" in ended.output) == resumes, ended.output
    assert ("state.pt: of other settings or inputs; training starts anew" in ended.output) != resumes


class Asked(Exception):
    """What a fingerprint is made from."""


def made_from(kind, folder, monkeypatch):
    """What the fingerprint of a training is made from: its settings and checksums."""
    from sirbench.config import load
    from sirbench.jobs.folders import Cell
    from sirbench.steps import first_stage, pretraining, training

    def ask(made_from, compute):
        raise Asked(made_from)

    monkeypatch.chdir(folder)
    for module in (first_stage, pretraining, training):
        monkeypatch.setattr(module, "fingerprint", ask)
    config = load("small")
    start = {
        "cell": lambda: training.train_cell(config, Cell("small", "bm25", "bert", "v0", 1)),
        "first stage": lambda: first_stage.train_first_stage(config, "hdct"),
        "pre-training": lambda: pretraining.pretrain_backbone(config, "more"),
    }
    with pytest.raises(Asked) as asked:
        start[kind]()
    return asked.value.args[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_that_is_read_is_a_part_of_the_fingerprint(kind, ready, monkeypatch):
    inputs = made_from(kind, ready, monkeypatch)["inputs"]
    root = ready / "results/small"
    folders = {"start": root / "backbones/bert", "tokens": root / "tokens/bert"}
    single = {"cell": {"queries", "qrels", "candidates"}, "first stage": {"collection", "queries"}}
    if kind == "pre-training":
        folders["corpus"] = next((root / "corpora").iterdir())
        del folders["tokens"]
    expected = {f"{name}/{file.name}" for name, folder in folders.items() for file in folder.glob("[!.]*")}
    assert {"start/config.json", "start/model.safetensors", "start/tokenizer.json"} <= expected
    assert set(inputs) == expected | single.get(kind, {"collection"})


def test_the_revision_of_the_method_is_a_part_of_the_fingerprint(ready, monkeypatch):
    assert made_from("cell", ready, monkeypatch)["job"]["method"] == METHOD
    assert made_from("first stage", ready, monkeypatch)["method"] == FIRST_STAGE
    assert made_from("pre-training", ready, monkeypatch)["method"] == PRETRAINING
