"""Start `snakemake --profile slurm` on the cluster, and look at its jobs while it runs."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.checkouts import environment

# The test's cluster has no accounting database, and its jobs end within seconds.
WITHOUT_ACCOUNTING = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]


class Workflow:
    """A `snakemake` that runs in `folder`; what it printed is in `folder`/output."""

    def __init__(self, folder: Path, *arguments: str):
        self.folder = folder
        with (folder / "output").open("w") as output:
            self.process = subprocess.Popen(
                ["snakemake", *WITHOUT_ACCOUNTING, *arguments],
                cwd=folder,
                env=environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def wait_for(self, what: str, condition: Callable[[], Any], seconds: int = 600) -> Any:
        """The first true value of `condition()`; fails when the workflow ends, or time runs out, before."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if self.process.poll() is not None:
                pytest.fail(f"the workflow ended before {what}\n{self.output[-5000:]}")
            if time.monotonic() > deadline:
                queue = subprocess.run(["squeue", "--states=all"], capture_output=True, text=True).stdout
                pytest.fail(f"waited {seconds} s for {what} in vain\n{queue}\n{self.output[-5000:]}")
            time.sleep(0.2)
        return value

    def start_now(self, job: str) -> None:
        """SLURM starts a requeued job after two minutes only."""
        self.wait_for(f"job {job} to be requeued", lambda: state(job) == "PENDING")
        scontrol("update", f"JobId={job}", "StartTime=now")


@contextmanager
def workflow(folder: Path, *arguments: str) -> Iterator[Workflow]:
    """A workflow that is interrupted, with its jobs, where a test leaves it before it ended."""
    running = Workflow(folder, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)  # which cancels its jobs
            with suppress(subprocess.TimeoutExpired):  # why the test left it matters more
                running.process.wait(timeout=60)
            running.process.kill()


def squeue(*arguments: str) -> list[list[str]]:
    done = subprocess.run(["squeue", "--noheader", *arguments], capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def state(job: str) -> str:
    return squeue("--states=all", f"--jobs={job}", "--format=%T")[0][0]


def scontrol(*arguments: str) -> None:
    subprocess.run(["scontrol", *arguments], check=True)


def urgent(*resources: str) -> None:
    """A job that takes these resources from others, for a moment."""
    command = ["sbatch", "--partition=urgent", "--mem=100", "--output=/dev/null", *resources, "--wrap=true"]
    subprocess.run(command, check=True, capture_output=True)
