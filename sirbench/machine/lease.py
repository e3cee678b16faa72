"""One writer for each folder: a job that trains into it holds a lease, and another one is refused by name.

The lease is a file in the folder, `.lease`, that says who holds it. Its holder locks it (flock) and, since
on shared file systems that may reach no other machine, touches it every `BEAT` seconds. A lease whose holder
is dead is taken over:

* on the same machine, where the lock is free (or, where files cannot be locked, the process gone);
* on another one, where its SLURM job is no more or is a former run of this very job, or where the lease was
  not touched for `STALE` seconds, by the file system's time, whatever the machines' clocks say.
"""

import fcntl
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from sirbench.machine.errors import InUse
from sirbench.machine.process import is_alive, machine_identity

NAME = ".lease"
BEAT = 30.0
"""Seconds between two signs of life."""
STALE = 300.0
"""Seconds without one after which a holder on another machine is taken to be dead: file systems may show what
other machines do a minute late."""
RUNNING = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT")
"""States of a SLURM job that may have processes; a requeued one that waits (PENDING) has none."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease."""

    job: str
    """What it does, e.g. `train bm25/bert/v0/seed1`."""
    host: str = field(default_factory=platform.node)
    process: int = field(default_factory=os.getpid)
    since: str = field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))
    machine: str = field(default_factory=machine_identity)
    slurm_job: str = field(default_factory=lambda: os.environ.get("SLURM_JOB_ID", ""))
    slurm_restarts: int = field(default_factory=lambda: int(os.environ.get("SLURM_RESTART_COUNT", "0")))

    def __str__(self) -> str:
        slurm = f", SLURM job {self.slurm_job}" if self.slurm_job else ""
        return f"process {self.process} of {self.host}{slurm} ({self.job}, since {self.since})"


@contextmanager
def lease(folder: Path, job: str) -> Iterator[None]:
    """Be the only one that writes into a folder for the length of the block.

    Raises `InUse`, which names the holder, where another process has the lease and lives. Where that cannot
    be told at once, this waits for a sign of life, at most `STALE` seconds. Of workers that `torchrun` has
    started, the first one holds it for all.
    """
    if int(os.environ.get("RANK", "0")):
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    path, mine = folder / NAME, Holder(job)
    file = _take(path, mine)
    ended = threading.Event()
    threading.Thread(target=_live, args=(path, file, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if _is_at(path, file):
            path.unlink(missing_ok=True)
        os.close(file)


def _take(path: Path, mine: Holder) -> int:
    """The lease's file, locked, with `mine` in it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            locked = _lock(file)
            holder = _read(file)
            if locked is False or (holder and _lives(path, holder, mine, locked)):
                raise InUse(_refusal(path.parent, holder))
            if _is_at(path, file):  # otherwise the last holder has deleted it just now
                if holder is None:
                    os.ftruncate(file, 0)
                    os.pwrite(file, json.dumps(asdict(mine)).encode(), 0)
                    os.fsync(file)
                    return file
                # A new file takes its place: by that a holder that was only asleep knows that it has lost it.
                print(f"{path.parent}: {holder} is no more; its place is taken", file=sys.stderr)
                path.unlink(missing_ok=True)
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _refusal(folder: Path, holder: Holder | None) -> str:
    stop = f"stop it (`kill {holder.process}` there; what it has done is kept)" if holder else "stop it"
    return (
        f"{folder}: in use by {holder or 'another process'}; two jobs that write into one folder would spoil "
        f"it. It goes on: wait for its end, or {stop}, and start this one again"
    )


def _lock(file: int) -> bool | None:
    """Whether this process has the lock now; None where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _read(file: int) -> Holder | None:
    """Who holds a lease; None of one that is new, or that a machine left half written."""
    try:
        return Holder(**json.loads(os.pread(file, 10_000, 0)))
    except (ValueError, TypeError):
        return None


def _lives(path: Path, holder: Holder, mine: Holder, locked: bool | None) -> bool:
    """Whether the holder of a lease is at work, as far as one can tell from here."""
    if holder.machine == mine.machine:
        return not locked and holder.process != mine.process and is_alive(holder.process)
    if holder.slurm_job and holder.slurm_job == mine.slurm_job:
        return holder.slurm_restarts >= mine.slurm_restarts and _beats(path)
    state = slurm_state(holder.slurm_job) if holder.slurm_job else None
    if state == "SUSPENDED":
        return True
    return (state is None or state in RUNNING) and _beats(path)


def _beats(path: Path) -> bool:
    """Whether a lease is touched, within what is left of `STALE` seconds since it was touched last."""
    probe = path.with_name(f"{NAME}-{machine_identity()}-{os.getpid()}")
    probe.touch()
    try:
        now = probe.stat().st_mtime  # by the clock of who keeps the files
    finally:
        probe.unlink()
    touched = _touched(path)
    until = time.monotonic() + STALE - (now - touched)
    while time.monotonic() < until:
        time.sleep(min(1.0, STALE / 10))
        if (last := _touched(path)) != touched:
            return last > 0
    return False


def _touched(path: Path) -> float:
    """When a lease was touched last; 0 of one that its holder has given back."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def slurm_state(job: str) -> str | None:
    """The state of a SLURM job, "" where there is none any more; None where nobody can be asked."""
    command = ["squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    if asked.returncode and "Invalid job id" not in asked.stderr:
        return None
    return asked.stdout.strip().partition("\n")[0]


def _live(path: Path, file: int, ended: threading.Event) -> None:
    """Touch a lease until the end; a process that has lost it (as its machine was asleep) writes no more."""
    while not ended.wait(BEAT):
        with suppress(OSError):  # a file server that is away for a moment
            os.utime(file)
            if not ended.is_set() and not _is_at(path, file):
                print(f"error: {path.parent}: another job has taken this one's place", file=sys.stderr)
                sys.stderr.flush()
                os._exit(InUse.exit_code)


def _is_at(path: Path, file: int) -> bool:
    """Whether the open file is the one at the path."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(file)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
