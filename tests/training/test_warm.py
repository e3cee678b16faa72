"""A fork of a warm interpreter does what a command does that imports for itself, under signals, too."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sirbench.warm import VARIABLE
from tests.checkouts import ROOT
from tests.training.conftest import write_study
from tests.training.jobs import CELL, cell, results, train

NAMES = ("--backbone", "bert", "--recipe", "v4-top-8", "--seed", "1")
STARTER = f"""
import os, sys
from sirbench import warm
warm.start(1)
print(os.environ["{VARIABLE}"], flush=True)
sys.stdin.read()
"""
FORKED = " s of a processor, at most "
"""What only a fork's log says."""

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="forks are for Linux")


def wait(met):
    deadline = time.monotonic() + 300
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def starter():
    """A process that has started a warm interpreter, and the folder of its socket."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    folder = Path(process.stdout.readline().strip())
    wait(lambda: any(folder.iterdir()))
    yield process, folder
    process.kill()
    process.communicate()
    wait(lambda: not folder.exists())  # it has ended, too


def command(starter, work, *arguments, threads=1):
    """`python -m sirbench ARGUMENTS` where there is a warm interpreter, as a process."""
    variables = {"PYTHONPATH": str(ROOT), VARIABLE: str(starter[1]), "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", "sirbench", *arguments],
        cwd=work,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background of a shell, Ctrl-C is ignored by all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def ended(process):
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def forks(starter):
    """The jobs that are running: the grandchildren of the interpreter that waits."""
    server = psutil.Process(starter[0].pid).children()[0]
    return [job for keeper in server.children() for job in keeper.children()]


def test_a_fork_trains_to_the_same_bytes(starter, work):
    code, _, errors = ended(command(starter, work, "train", *CELL, *NAMES))
    assert code == 0 and FORKED in errors, errors
    forked = results(cell(work))
    shutil.rmtree(cell(work))
    assert train(work).code == 0
    assert results(cell(work)) == forked


def test_output_and_mistakes_are_those_of_any_command(starter, work):
    assert ended(command(starter, work, "check", "--study", "small"))[:2] == (
        0,
        ended(command((None, "/nowhere"), work, "check", "--study", "small"))[1],
    )
    code, output, errors = ended(command(starter, work, "check", "--study", "smal"))
    assert (code, output) == (2, "") and "did you mean 'small'" in errors and FORKED in errors
    code, _, errors = ended(command(starter, work, "chekc"))
    assert code == 2 and "Usage: python -m sirbench" in errors


def test_another_number_of_threads_imports_for_itself(starter, work):
    """Libraries have read it when they were imported."""
    code, output, errors = ended(command(starter, work, "version", threads=2))
    assert code == 0 and output and errors == ""


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_goes_on_to_the_training(asked, starter, work):
    log = cell(work) / "checkpoint/train.jsonl"
    write_study(work, epochs=200)
    process = command(starter, work, "train", *CELL, *NAMES)
    wait(lambda: log.exists() and log.read_text())
    process.send_signal(asked)
    code, _, errors = ended(process)
    assert code == 75 and "start it again to resume" in errors, errors
    assert (cell(work) / "checkpoint/state.pt").exists()


@pytest.mark.parametrize("one", ["who waits", "the fork"])
def test_the_death_of_one_is_the_death_of_both(one, starter, work):
    log = cell(work) / "checkpoint/train.jsonl"
    write_study(work, epochs=200)
    process = command(starter, work, "train", *CELL, *NAMES)
    wait(lambda: log.exists() and log.read_text())
    (job,) = forks(starter)
    process.kill() if one == "who waits" else job.kill()
    assert ended(process)[0] == -signal.SIGKILL
    wait(lambda: not job.is_running())
    assert forks(starter) == []
