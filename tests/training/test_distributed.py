import os
import stat
import subprocess
import sys
from math import nan

import pytest
import torch
import torch.distributed as dist
from torch import nn

from sirbench.machine.errors import InputError
from sirbench.training import distributed
from sirbench.training.distributed import buckets, slurm_task, start_workers, sum_gradients, totals
from tests.checkouts import ROOT
from tests.training.conftest import write_study
from tests.training.jobs import CELL, assert_trained_alike, cell, in_new_process, train

STILL = ("train", *CELL, "--backbone", "still", "--recipe", "v4-top-8", "--seed", "1")
WORKERS = ["SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "LOCAL_RANK"]


def run_at_once(folder, commands):
    """Run commands, each with variables of its own, at the same time; what all of them printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command, variables in commands
    ]
    printed = [process.communicate(timeout=100)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(commands), printed
    return "".join(printed)


def by_torchrun(folder):
    """`torchrun` on one machine."""
    run_by = ("torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "sirbench")
    return [((*run_by, *STILL), {})]


def by_slurm(folder):
    """What `srun --ntasks=2` starts, where the study asks for two GPUs."""
    write_study(folder, learning_rate=1e-5, compute={"gpus": 2})
    pretend_scontrol(folder / "bin", "localhost")
    path = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": ""}
    return [(("sirbench", *STILL), path | slurm_variables(rank, "localhost")) for rank in (0, 1)]


def slurm_variables(rank, nodes, job="17", step="0"):
    """What SLURM tells one of two tasks."""
    values = {"STEP_NUM_TASKS": "2", "PROCID": str(rank), "STEP_NODELIST": nodes}
    return {f"SLURM_{name}": value for name, value in (values | {"JOB_ID": job, "STEP_ID": step}).items()}


def pretend_scontrol(folder, *hosts):
    """Put a `scontrol` into a folder that answers with these hosts."""
    folder.mkdir()
    program = folder / "scontrol"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' {' '.join(hosts)}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("started", [by_torchrun, by_slurm])
def test_two_workers_train_what_one_does(started, work):
    """At dropout 0; the last step of each epoch has one block, so that one worker has nothing to do in it."""
    write_study(work, learning_rate=1e-5)  # weights move by up to 35 times what is allowed below
    folder = cell(work, "still")
    assert train(work, backbone="still").code == 0
    folder.rename(work / "one")
    printed = run_at_once(work, started(work))
    assert printed.count("0/6") == 1  # one progress bar, not two

    assert_trained_alike(work / "one", folder)


@pytest.mark.parametrize("variables", [{}, {"LOCAL_RANK": "1"}], ids=["command", "worker"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_command_becomes_torchrun_once_where_there_are_several_gpus(count, variables, monkeypatch):
    started = starts(count, variables, monkeypatch)
    if count == 1 or variables:
        assert started == []
    else:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        arguments = ["-m", "sirbench", "train", "--seed", "1"]
        assert started == [(sys.executable, [sys.executable, *torchrun, *arguments])]


def starts(count, variables, monkeypatch):
    """What `start_workers` puts in place of `sirbench train --seed 1`, with these variables."""
    started = []
    for name in WORKERS:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["sirbench", "train", "--seed", "1"])
    monkeypatch.setattr(os, "execv", lambda program, command: started.append((program, command)))
    start_workers(count)
    return started


@pytest.fixture
def step_of_slurm(tmp_path, monkeypatch):
    """Variables of the second of two tasks, on nodes a1 and a2."""
    pretend_scontrol(tmp_path / "bin", "a1", "a2")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    names = ("STEP_NUM_TASKS", "PROCID", "STEP_NODELIST", "JOB_ID", "STEP_ID")
    return {
        f"SLURM_{name}": value for name, value in zip(names, ("2", "1", "a[1-2]", "4711", "3"), strict=True)
    }


def test_tasks_of_slurm_share_the_workers(step_of_slurm, monkeypatch):
    ((_, command),) = starts(8, step_of_slurm, monkeypatch)
    assert command[3:8] == [
        "--nnodes=2",
        "--node-rank=1",
        "--master-addr=a1",
        f"--master-port={20000 + (31 * 4711 + 3) % 10000}",
        "--nproc-per-node=4",
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_workers_that_cannot_be_shared_evenly_are_refused(count, step_of_slurm, monkeypatch):
    """One worker neither: both tasks would train the same model into the same folder."""
    with pytest.raises(InputError, match=rf"compute\.gpus: {count} cannot be shared evenly by 2 tasks"):
        starts(count, step_of_slurm, monkeypatch)


def test_a_job_of_slurm_with_one_task_starts_all_workers_itself(step_of_slurm, monkeypatch):
    ((_, command),) = starts(8, step_of_slurm | {"SLURM_STEP_NUM_TASKS": "1"}, monkeypatch)
    assert command[3:5] == ["--standalone", "--nproc-per-node=8"]
    assert slurm_task().of == 1


def parameters(*sizes):
    return [nn.Parameter(torch.zeros(size)) for size in sizes]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([4, 5, 1, 10, 1], [[4, 5, 1], [10], [1]]),
        ([11, 2, 25, 3], [[11], [2], [25], [3]]),
        ([2, 0, 3], [[2, 0, 3]]),
        ([], []),
    ],
    ids=str,
)
def test_parameters_travel_in_their_order_ten_numbers_at_a_time(sizes, expected, monkeypatch):
    monkeypatch.setattr(distributed, "BUCKET", 10)
    found = [[parameter.numel() for parameter in bucket] for bucket in buckets(parameters(*sizes))]
    assert found == expected


def test_parameters_of_another_type_and_frozen_ones_do_not_travel_along(monkeypatch):
    some = parameters(1, 2, 3, 4)
    some[1].requires_grad_(False)
    some[2].data = some[2].data.double()
    assert [[len(one) for one in bucket] for bucket in buckets(some)] == [[1], [3], [4]]


def sum_in_a_group(rank, folder):
    """One of two workers; the second has no gradient for the first parameter."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    distributed.BUCKET = 10
    some = [nn.Parameter(torch.zeros(size)) for size in ((2, 3), (3,), (5, 2), (1,))]
    draw = torch.Generator().manual_seed(rank)
    for parameter in some[rank:]:
        # Every other row of a larger tensor: a gradient need not be contiguous.
        parameter.grad = torch.rand(2 * len(parameter), *parameter.shape[1:], generator=draw)[::2]
    before = [torch.zeros_like(it) if it.grad is None else it.grad.clone() for it in some]
    sum_gradients(some)
    numbers = totals([rank, 0.1, nan])
    torch.save((before, [parameter.grad for parameter in some], numbers), f"{folder}/{rank}.pt")


def test_gradients_and_numbers_are_summed_over_workers(tmp_path):
    in_new_process(*((sum_in_a_group, rank, tmp_path) for rank in (0, 1)))
    (first, one, sums), (second, two, others) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    for a, b, summed, again in zip(first, second, one, two, strict=True):
        assert torch.equal(a + b, summed) and torch.equal(summed, again)
    assert sums[:2] == others[:2] == [1, 0.2] and sums[2] != sums[2]


def test_without_a_group_nothing_is_summed():
    (parameter,) = parameters(3)
    parameter.grad = torch.ones(3)
    sum_gradients([parameter])
    assert parameter.grad.tolist() == [1, 1, 1]
    assert totals([1, 2.5]) == [1, 2.5]
