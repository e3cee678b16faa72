"""The device that a job computes on: never more jobs on a GPU than one, on whatever machine."""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch

from sirbench.machine.errors import InputError


@contextmanager
def claim_device(gpus: int, threads: int) -> Iterator[torch.device]:
    """The device for a job that asks for `gpus`, with deterministic arithmetic and `threads` CPU threads.

    Fewer threads where OMP_NUM_THREADS says so: Snakemake sets it to what a job was given of `--cores`.
    The first of the visible GPUs that no other process holds is taken, by a lock that the system drops with
    the process, and made torch's current one; if all are taken, this waits. Workers of `torchrun` take one
    each in the same way; an `InputError` says so where there can never be enough of them.
    """
    torch.set_num_threads(min(threads, int(os.environ.get("OMP_NUM_THREADS") or threads)))
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # With `warn_only`, fused attention would keep a backward pass on GPUs that is not deterministic.
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that it has not written, and filling it takes 8 % of a step on a CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False
    visible = torch.cuda.device_count() if gpus else 0
    with ExitStack() as held:
        if gpus and not visible:
            print("no GPU is visible: computing on the CPU", file=sys.stderr)
        if not visible:
            yield torch.device("cpu")
        else:
            check_workers(visible)
            number = held.enter_context(claim_one([_identity(number) for number in range(visible)]))
            # What NCCL sends objects through; otherwise GPU 0 for every worker.
            torch.cuda.set_device(number)
            yield torch.device("cuda", number)


def check_workers(visible: int) -> None:
    """Raise `InputError` if `torchrun` has started more workers here than there are GPUs to take."""
    workers = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if workers > visible:
        raise InputError(
            f"compute.gpus: {workers}, of which {visible} can be seen here; lower it in the study, or let "
            "the job see more of them (CUDA_VISIBLE_DEVICES)"
        )


def _identity(number: int) -> str:
    """What tells a GPU from all others, whichever of them a process sees; its number where nothing does."""
    return str(getattr(torch.cuda.get_device_properties(number), "uuid", number))


def describe_device(device: torch.device) -> dict[str, object]:
    """What a job computed on: `device` (the GPU's name, or `cpu`), and of a GPU its memory and CUDA."""
    if device.type != "cuda":
        return {"device": "cpu"}
    properties = torch.cuda.get_device_properties(device)
    memory = round(properties.total_memory / 1e9, 1)
    return {"device": properties.name, "gpu_memory_gb": memory, "cuda": torch.version.cuda}


@contextmanager
def claim_one(names: Sequence[str], folder: Path | None = None, poll: float = 1.0) -> Iterator[int]:
    """Hold the first of these that no other process of this machine holds, and yield its place; wait for one.

    SLURM may show every job and every step its own GPUs as 0, 1, ..., so each of them has locks of its own.
    """
    if folder is None:
        parts = [str(os.getuid()), *(os.environ.get(f"SLURM_{part}_ID", "") for part in ("JOB", "STEP"))]
        folder = Path(tempfile.gettempdir()) / "-".join(["sirbench-gpus", *filter(None, parts)])
    folder.mkdir(parents=True, exist_ok=True)
    waiting = False
    while True:
        for number, name in enumerate(names):
            lock = (folder / name).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            with lock:
                yield number
            return
        if not waiting:
            print(f"all {len(names)} GPUs are held by other jobs: waiting for one", file=sys.stderr)
            waiting = True
        time.sleep(poll)
