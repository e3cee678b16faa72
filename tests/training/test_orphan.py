"""A training whose Snakemake was killed goes on alone, and nobody else writes into its folder meanwhile."""

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.training import jobs
from tests.training.jobs import CELL, Blow, cell, results, train

HALFWAY = Blow("sirbench.training.record.StepLog.write", 4, signal=signal.SIGSTOP)
TRAIN = ("train", *CELL, "--backbone", "bert", "--recipe", "v4-top-8", "--seed", "1")


def _parent(work):
    """What Snakemake is to a training: who started it and waits for its end."""
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        jobs._run(work, work / "orphan.log", TRAIN, HALFWAY)


def state_of(process):
    """R, S, T (paused), Z (ended, and nobody has asked how), as proc(5) has it."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]


@pytest.fixture
def orphan(work):
    """The number of a training that has paused halfway, and whose parent was killed."""
    parent = jobs._context().Process(target=_parent, args=(work,))
    parent.start()
    deadline, process, state = time.monotonic() + 60, 0, ""
    while state != "T":
        assert time.monotonic() < deadline, (work / "orphan.log").read_text()
        time.sleep(0.05)
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            process = json.loads((cell(work) / ".lease").read_text())["process"]
            state = state_of(process)
    parent.kill()
    parent.join()
    yield process
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def ended(process):
    """Wait until a process that is nobody's child of ours is gone."""
    deadline = time.monotonic() + 60
    with suppress(FileNotFoundError, ProcessLookupError):
        while state_of(process) != "Z":
            assert time.monotonic() < deadline, f"{process} goes on for ever"
            time.sleep(0.02)


@pytest.mark.parametrize("end", [signal.SIGCONT, signal.SIGKILL], ids=["ends by itself", "is killed"])
def test_another_training_is_refused_until_it_ends(end, orphan, work, uninterrupted):
    before = {path: path.read_bytes() for path in cell(work).rglob("*") if path.is_file()}
    refused = train(work)
    assert refused.code == 75 and "Traceback" not in refused.output
    assert f"in use by process {orphan} of" in refused.output and f"`kill {orphan}`" in refused.output
    assert {path: path.read_bytes() for path in cell(work).rglob("*") if path.is_file()} == before
    os.kill(orphan, end)
    ended(orphan)
    again = train(work)
    assert again.code == 0, again.output
    assert ("is no more; its place is taken" in again.output) == (end == signal.SIGKILL)
    assert results(cell(work)) == uninterrupted
    assert not (cell(work) / ".lease").exists()
