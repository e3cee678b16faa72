"""Training on several GPUs: each worker takes some blocks of a step, gradients are summed.

Without a process group (one GPU, or the CPU) every function here is the plain thing. Gradients are
summed by hand instead of by DistributedDataParallel, whose hooks expect one forward per step, while a
step of V3 or V4 has one per level.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import nn


def start_workers(count: int) -> None:
    """Let `torchrun` run this very command in `count` processes, in place of this one; in each it returns."""
    if count == 1 or "LOCAL_RANK" in os.environ:
        return
    sys.stdout.flush()
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    os.execv(sys.executable, [sys.executable, *start, "-m", "sirbench", *sys.argv[1:]])


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
    """Sum every gradient over workers, in place; a worker that had no block contributes zeros."""
    if workers() == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        dist.all_reduce(parameter.grad)


def total(value: float) -> float:
    """The sum of a number over workers."""
    return float(sum(gather(float(value))))


def gather(item: Any) -> list[Any]:
    """Every worker's item, by rank."""
    if workers() == 1:
        return [item]
    items = [None] * workers()
    dist.all_gather_object(items, item)
    return items
