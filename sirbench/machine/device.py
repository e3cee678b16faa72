"""The device that a job computes on: at most one job per GPU, on any machine."""

import fcntl
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch

from sirbench.machine.errors import InputError


@contextmanager
def claim_device(gpus: int, threads: int) -> Iterator[torch.device]:
    """The device for a job that asks for `gpus`, with deterministic arithmetic and `threads` CPU threads.

    OMP_NUM_THREADS may lower the threads: Snakemake sets it to the job's share of `--cores`. The first
    visible GPU that no other process holds is locked and made torch's current one; if all are held, this
    waits. The system releases the lock when the process ends. Workers of `torchrun` lock one GPU each. Raises
    InputError if there are more workers than GPUs.
    """
    torch.set_num_threads(min(threads, int(os.environ.get("OMP_NUM_THREADS") or threads)))
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Not `warn_only`: fused attention would keep a backward pass that is not deterministic on GPUs.
    torch.use_deterministic_algorithms(True)
    # No code here reads memory before writing it, and filling it takes 8 % of a step on a CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch sets it dynamically
    visible = torch.cuda.device_count() if gpus else 0
    with ExitStack() as held:
        if gpus and not visible:
            print("no GPU is visible: computing on the CPU", file=sys.stderr)
        if not visible:
            yield torch.device("cpu")
        else:
            check_workers(visible)
            number = held.enter_context(claim_one([_identity(number) for number in range(visible)]))
            # NCCL sends objects through the current device, which would be GPU 0 for every worker.
            torch.cuda.set_device(number)
            yield torch.device("cuda", number)


def check_workers(visible: int) -> None:
    """Raise InputError if `torchrun` has started more workers here than there are visible GPUs."""
    workers = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if workers > visible:
        raise InputError(
            f"compute.gpus: {workers}, of which {visible} can be seen here; lower it in the study, or let "
            "the job see more of them (CUDA_VISIBLE_DEVICES)"
        )


def _identity(number: int) -> str:
    """What identifies a GPU, whichever GPUs a process sees; its number if nothing does."""
    return str(getattr(torch.cuda.get_device_properties(number), "uuid", number))


def describe_device(device: torch.device) -> dict[str, object]:
    """A description of the device: `device` (the GPU's name, or `cpu`), and for a GPU its memory and CUDA."""
    if device.type != "cuda":
        return {"device": "cpu"}
    properties = torch.cuda.get_device_properties(device)
    memory = round(properties.total_memory / 1e9, 1)
    return {"device": properties.name, "gpu_memory_gb": memory, "cuda": torch.version.cuda}


@contextmanager
def claim_one(names: Sequence[str], folder: Path | None = None, poll: float = 1.0) -> Iterator[int]:
    """The position of the first name that no other process of this machine holds; it is held meanwhile.

    If all are held, this waits for one. SLURM may number the GPUs of every job and step as 0, 1, ..., so each
    job and step has its own locks. Raises InputError for a folder of locks that anybody else can write to.
    """
    if folder is None:
        parts = [str(os.getuid()), *(os.environ.get(f"SLURM_{part}_ID", "") for part in ("JOB", "STEP"))]
        folder = Path(tempfile.gettempdir()) / "-".join(["sirbench-gpus", *filter(None, parts)])
    _make_own(folder)
    waiting = False
    while True:
        for number, name in enumerate(names):
            # Not truncated, and through no link: who could plant one would have a file of ours emptied.
            options = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            lock = os.open(folder / name.replace("/", "_"), options, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            try:
                yield number
            finally:
                os.close(lock)
            return
        if not waiting:
            print(f"all {len(names)} GPUs are held by other jobs: waiting for one", file=sys.stderr)
            waiting = True
        time.sleep(poll)


def _make_own(folder: Path) -> None:
    """Make a folder in a place where everybody may; InputError if it is not this user's alone to write to."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise InputError(
            f"{folder}: not a folder that only this user writes to (owner {found.st_uid}, mode "
            f"{stat.filemode(found.st_mode)}); remove it, or set TMPDIR to a folder of your own"
        )
