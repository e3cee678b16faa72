"""What a training hands on in the end, whatever was trained."""

import json
from types import SimpleNamespace

import pytest
import torch

from sirbench.training import ending
from sirbench.training.checkpoint import Progress
from sirbench.training.ending import finish


@pytest.fixture
def destination(tmp_path):
    made = SimpleNamespace(
        model=tmp_path / "made/model",
        step_log=tmp_path / "made/train.jsonl",
        provenance=tmp_path / "made/provenance.json",
        checkpoint=tmp_path / "checkpoint",
    )
    made.checkpoint.mkdir()
    (made.checkpoint / "train.jsonl").write_text('{"step": 0}\n')
    return made


def save(folder):
    (folder / "weights").write_text("trained")


def test_the_model_its_log_and_where_it_comes_from(destination, monkeypatch):
    monkeypatch.setattr(ending.distributed, "workers", lambda: 2)
    finish(destination, Progress(3, 12.5), torch.device("cpu"), {"seed": 1}, save)
    assert (destination.model / "weights").read_text() == "trained"
    assert destination.step_log.read_text() == '{"step": 0}\n'
    said = json.loads(destination.provenance.read_text())
    assert (said["seed"], said["seconds"], said["workers"], said["device"]) == (1, 12.5, 2, "cpu")
    assert said["gpu_seconds"] == 0 and "commit" in said["machine"]
    assert destination.checkpoint.exists(), "the caller deletes it"


def test_the_seconds_of_all_workers_gpus_are_counted(destination, monkeypatch):
    monkeypatch.setattr(ending.distributed, "workers", lambda: 2)
    monkeypatch.setattr(ending, "describe_device", lambda device: {"device": "H"})
    finish(destination, Progress(3, 12.5), torch.device("cuda", 0), {}, save)
    assert json.loads(destination.provenance.read_text())["gpu_seconds"] == 25.0


def test_without_a_whole_model_there_is_no_provenance(destination):
    def fail(folder):
        save(folder)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        finish(destination, Progress(3, 12.5), torch.device("cpu"), {}, fail)
    assert not destination.model.exists() and not destination.provenance.exists()
