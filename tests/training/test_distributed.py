import json
import os
import subprocess
import sys

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from sirbench.training.distributed import start_workers
from tests.checkouts import ROOT
from tests.training.conftest import write_study
from tests.training.jobs import CELL, cell, train


def test_two_workers_train_what_one_does(work):
    """At dropout 0; the last step of each epoch has one block, so that one worker has nothing to do in it."""
    write_study(work, learning_rate=1e-5)  # weights move by up to 35 times what is allowed below
    folder = cell(work, "still")
    assert train(work, backbone="still").code == 0
    folder.rename(work / "one")
    command = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "sirbench", "train"]
    names = ("--backbone", "still", "--recipe", "v4-top-8", "--seed", "1")
    done = subprocess.run(
        [sys.executable, "-m", *command, *CELL, *names],
        cwd=work,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("0/6") == 1  # one progress bar, not two

    one, two = (load_file(path / "model/model.safetensors") for path in (work / "one", folder))
    assert one.keys() == two.keys()
    for name in one:
        # Softmax cancels these: their gradients are 0 but for rounding, of which Adam makes whole steps.
        if not name.endswith(("key.bias", "classifier.bias")):
            torch.testing.assert_close(
                two[name], one[name], atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
            )
    pd.testing.assert_frame_equal(
        *(pd.read_parquet(path / "selection.parquet") for path in (work / "one", folder))
    )
    logs = [
        [json.loads(line) for line in (path / "train.jsonl").read_text().splitlines()]
        for path in (work / "one", folder)
    ]
    for first, second in zip(*logs, strict=True):
        assert second == pytest.approx(first, rel=1e-4)
    assert json.loads((folder / "provenance.json").read_text())["workers"] == 2


@pytest.mark.parametrize("variables", [{}, {"LOCAL_RANK": "1"}], ids=["command", "worker"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_command_becomes_torchrun_once_where_there_are_several_gpus(count, variables, monkeypatch):
    started = []
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["sirbench", "train", "--seed", "1"])
    monkeypatch.setattr(os, "execv", lambda program, command: started.append((program, command)))
    start_workers(count)
    if count == 1 or variables:
        assert started == []
    else:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        arguments = ["-m", "sirbench", "train", "--seed", "1"]
        assert started == [(sys.executable, [sys.executable, *torchrun, *arguments])]
