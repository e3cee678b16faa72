"""The device that a job computes on: never more jobs on a GPU than one, on whatever machine."""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch


@contextmanager
def claim_device(gpus: int, threads: int) -> Iterator[torch.device]:
    """The device for a job that asks for `gpus`, with deterministic arithmetic and `threads` CPU threads.

    Fewer threads where OMP_NUM_THREADS says so: Snakemake sets it to what a job was given of `--cores`.
    `torchrun` has already said which GPU is ours. Elsewhere the first of the visible GPUs that no other job
    holds is taken, by a lock that the system drops with the process; if all are taken, this waits.
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
        elif "LOCAL_RANK" in os.environ:
            yield torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        else:
            yield torch.device("cuda", held.enter_context(claim_number(visible)))


def describe_device(device: torch.device) -> dict[str, object]:
    """What a job computed on: `device` (the GPU's name, or `cpu`), and of a GPU its memory and CUDA."""
    if device.type != "cuda":
        return {"device": "cpu"}
    properties = torch.cuda.get_device_properties(device)
    memory = round(properties.total_memory / 1e9, 1)
    return {"device": properties.name, "gpu_memory_gb": memory, "cuda": torch.version.cuda}


@contextmanager
def claim_number(count: int, folder: Path | None = None, poll: float = 1.0) -> Iterator[int]:
    """Hold one of the numbers 0 ... count-1 that no other process of this machine holds; wait for one.

    SLURM shows every job and every step its own GPUs as 0, 1, ..., so each of them counts for itself.
    """
    if folder is None:
        parts = [str(os.getuid()), *(os.environ.get(f"SLURM_{part}_ID", "") for part in ("JOB", "STEP"))]
        folder = Path(tempfile.gettempdir()) / "-".join(["sirbench-gpus", *filter(None, parts)])
    folder.mkdir(parents=True, exist_ok=True)
    waiting = False
    while True:
        for number in range(count):
            lock = (folder / str(number)).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            with lock:
                yield number
            return
        if not waiting:
            print(f"all {count} GPUs are held by other jobs: waiting for one", file=sys.stderr)
            waiting = True
        time.sleep(poll)
