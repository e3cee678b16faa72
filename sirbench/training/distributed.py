"""Training on several GPUs, of one machine or of several: each worker takes some blocks of a step, gradients
are summed.

Without a process group (one GPU, or the CPU) every function here is the plain thing. Gradients are
summed by hand instead of by DistributedDataParallel, whose hooks expect one forward per step, while a
step of V3 or V4 has one per level.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import nn

from sirbench.machine.errors import InputError

BUCKET = 2**24
"""Numbers that are summed at once, 64 MB of float32: many parameters, and a small part of a large model."""


class SlurmTask(NamedTuple):
    """One of the tasks of a step of SLURM that run a command together, each on a node of its own or not."""

    number: int = 0
    of: int = 1
    """How many tasks there are."""
    host: str = ""
    """Where the first one runs."""
    port: int = 0
    """Where it listens; made of the job's number, since all have to know it before they can talk."""


def start_workers(count: int) -> None:
    """Let `torchrun` run this very command in `count` processes, in place of this one; in each it returns.

    Of a step of SLURM with several tasks (`srun --nodes=2 --ntasks-per-node=1`) every task starts its share,
    and all work together. Raises InputError if they cannot be shared evenly.
    """
    if "LOCAL_RANK" in os.environ:
        return
    task = slurm_task()
    if count % task.of:
        raise InputError(f"compute.gpus: {count} cannot be shared evenly by {task.of} tasks of SLURM")
    if count == 1:
        return
    where = ["--standalone"]
    if task.of > 1:
        where = [f"--nnodes={task.of}", f"--node-rank={task.number}"]
        where += [f"--master-addr={task.host}", f"--master-port={task.port}"]
    sys.stdout.flush()
    start = ["-m", "torch.distributed.run", *where, f"--nproc-per-node={count // task.of}"]
    os.execv(sys.executable, [sys.executable, *start, "-m", "sirbench", *sys.argv[1:]])


def slurm_task() -> SlurmTask:
    """This process's place in its step of SLURM, if that has several tasks."""
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    if tasks == 1:
        return SlurmTask()
    command = ["scontrol", "show", "hostnames", os.environ["SLURM_STEP_NODELIST"]]
    hosts = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    step = 31 * int(os.environ["SLURM_JOB_ID"]) + int(os.environ["SLURM_STEP_ID"])
    return SlurmTask(int(os.environ["SLURM_PROCID"]), tasks, hosts[0], 20000 + step % 10000)


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Be in the process group that `torchrun` set up, if it did, for the length of the block."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Number of this worker; 0 is the one that writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def workers() -> int:
    """How many workers there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum every gradient over workers, in place; a worker that had no block contributes zeros.

    Many gradients travel at once, a flat copy of theirs while the next ones are copied. None can leave before
    the backward pass is over: every chunk of every level adds to each of them.
    """
    if workers() == 1:
        return
    travelling = []
    for bucket in buckets(parameters):
        for parameter in bucket:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in bucket if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        travelling.append((gradients, flat, dist.all_reduce(flat, async_op=True)))
    for gradients, flat, journey in travelling:
        journey.wait()
        for gradient, summed in zip(gradients, flat.split([it.numel() for it in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))


def buckets(parameters: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Parameters that want a gradient, in their order, of one type and at most `BUCKET` numbers a bucket.

    A larger parameter has a bucket of its own.
    """
    result: list[list[nn.Parameter]] = []
    room = 0
    for parameter in parameters:
        if not parameter.requires_grad:
            continue
        if not result or parameter.numel() > room or parameter.dtype != result[-1][0].dtype:
            result.append([])
            room = BUCKET
        result[-1].append(parameter)
        room -= parameter.numel()
    return result


def totals(values: Sequence[float]) -> list[float]:
    """The sum of each number over workers, which all give as many."""
    if workers() == 1:
        return list(values)
    sums = torch.tensor(values, dtype=torch.float64, device=_device())
    dist.all_reduce(sums)
    result: list[float] = sums.tolist()
    return result


def gather(item: Any) -> list[Any]:
    """Every worker's item, by rank; it is pickled, so not for every step."""
    if workers() == 1:
        return [item]
    items = [None] * workers()
    dist.all_gather_object(items, item)
    return items


def _device() -> torch.device:
    """Where tensors have to be to travel."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
