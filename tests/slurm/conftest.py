"""The fixture `slurm`: a SLURM cluster that answers, or a skip that says how to get one."""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.training.conftest import prepared, work  # noqa: F401  (fixtures)

REMEDY = "start one with: sudo tests/slurm/cluster.sh start"


@pytest.fixture(scope="module")
def slurm():
    """Skip without a cluster that answers; fail instead where CI=true, because CI must run these tests."""
    with cluster(fcntl.LOCK_SH):
        yield


@pytest.fixture(scope="module")
def slurm_alone():
    """The same, with no test of another process on the cluster: for one that stops its daemons."""
    with cluster(fcntl.LOCK_EX):
        yield


@contextmanager
def cluster(lock: int) -> Iterator[None]:
    reason = unavailable()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; {REMEDY}", pytrace=False)
    if reason:
        pytest.skip(f"{reason}; {REMEDY}")
    with (Path(tempfile.gettempdir()) / "sirbench-tests-slurm.lock").open("w") as file:
        fcntl.flock(file, lock)
        yield


def unavailable() -> str:
    """Why no cluster can be used: an empty string where `sinfo` lists a node."""
    try:
        answer = subprocess.run(["sinfo", "--noheader"], capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        return "SLURM is not installed (no sinfo)"
    except subprocess.TimeoutExpired:
        return "the SLURM controller does not answer (sinfo took over 20 s)"
    if answer.returncode != 0:
        return f"sinfo failed: {answer.stderr.strip()}"
    return "" if answer.stdout.strip() else "sinfo lists no node"
