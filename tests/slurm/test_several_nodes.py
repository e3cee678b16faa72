"""One model trained by two tasks of SLURM, as on two nodes: `srun --ntasks=2 sirbench train`."""

import os
import subprocess
import sys

import pytest

from tests.checkouts import ROOT
from tests.training.conftest import write_study
from tests.training.jobs import CELL, assert_trained_alike, cell, train


@pytest.mark.slurm
def test_two_tasks_train_what_one_process_does(slurm, work):
    write_study(work, learning_rate=1e-5)
    folder = cell(work, "still")
    assert train(work, backbone="still").code == 0
    folder.rename(work / "one")
    write_study(work, learning_rate=1e-5, compute={"gpus": 2})
    command = [sys.executable, "-m", "sirbench", "train", *CELL]
    names = ["--backbone", "still", "--recipe", "v4-top-8", "--seed", "1"]
    done = subprocess.run(
        ["srun", "--ntasks=2", "--mem=4000", *command, *names],
        cwd=work,
        # The cluster's GPUs are pretended.
        env=os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("0/6") == 1
    assert_trained_alike(work / "one", folder)
