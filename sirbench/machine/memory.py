"""How much memory is left to a job, for what it may keep instead of computing it again."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

MARGIN = {"cpu": 0.2, "cuda": 0.1}
"""Share of every limit that stays free. Other jobs grow too, and a process has more than its tensors; a GPU
is for one job alone, but its memory gets fragmented."""

CGROUP_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of control groups, version 2 and 1: limit, use, and the part of it that the system takes back at need."""


UNLIMITED = 2**62
"""Version 1 says nearly 2**63 where nothing is limited."""

HEAP = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
"""The fields of glibc's `struct mallinfo2`."""


class Limit(NamedTuple):
    """Something that memory may not exceed, in bytes."""

    free: int
    """What is left of it."""
    total: int


def spare(device: torch.device, mem_mb: int) -> int:
    """Bytes that this process may still take, a margin of every limit left free; below 0 where less is.

    On the CPU it may take no more than the system, its control groups (containers, SLURM) and `mem_mb`, the
    job's own share, allow; on a GPU, than there is.
    """
    limits = [_gpu(device)] if device.type == "cuda" else list(cpu_limits(mem_mb))
    return min(limit.free - int(MARGIN[device.type] * limit.total) for limit in limits)


def _gpu(device: torch.device) -> Limit:
    import torch

    free, total = torch.cuda.mem_get_info(device)
    # torch keeps what is freed for its next tensors.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return Limit(free + kept, total)


def cpu_limits(mem_mb: int, root: Path = Path("/")) -> Iterator[Limit]:
    """The job's share of main memory, the machine's, and those of all control groups around this process.

    Where the system has no /proc there is nothing to go by, and nothing is left. What the C library keeps of
    freed memory for the next tensors counts as left.
    """
    try:
        pages = int((root / "proc/self/statm").read_text().split()[1])
        available = dict(line.split()[:2] for line in (root / "proc/meminfo").read_text().splitlines())
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        yield Limit(0, 0)
        return
    freed, share = _freed(), mem_mb * 10**6 // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    yield Limit(share - pages * os.sysconf("SC_PAGE_SIZE") + freed, share)
    yield Limit(int(available["MemAvailable:"]) * 1024 + freed, int(available["MemTotal:"]) * 1024)
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if controllers in ("", "memory"):
            mount = root / "sys/fs/cgroup" / controllers
            inner = mount / path.lstrip("/")
            for folder in (inner, *inner.parents[: len(inner.parts) - len(mount.parts)]):
                yield from (limit._replace(free=limit.free + freed) for limit in _of_group(folder))


def _of_group(folder: Path) -> Iterator[Limit]:
    for limit, used, cache in CGROUP_FILES:
        try:
            total = int((folder / limit).read_text())
            if total >= UNLIMITED:
                continue
            current = int((folder / used).read_text())
            numbers = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # another version, a group that only the host sees, or no limit: "max"
            continue
        yield Limit(total - current + int(numbers.get(cache, 0)), total)


class _Heap(ctypes.Structure):
    """What glibc says of its memory."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in HEAP.split())


def _freed() -> int:
    """Bytes that were freed and not given back to the system, as glibc does with all but large pieces."""
    try:
        look = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):  # another C library, or one before 2021
        return 0
    look.restype = _Heap
    return int(look().fordblks)
