"""One writer for each folder, whatever becomes of the one before."""

import fcntl
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from sirbench.machine import lease as module
from sirbench.machine.errors import InUse
from sirbench.machine.lease import Holder, lease

HOLD = """
import sys, time
from pathlib import Path
from sirbench.machine import lease
lease.BEAT = 0.02
with lease.lease(Path(sys.argv[1]), "train x"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A holder is stale after a blink, and no test runs in a SLURM job."""
    monkeypatch.setattr(module, "STALE", 0.3)
    monkeypatch.setattr(module, "BEAT", 0.02)
    for name in ("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "RANK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lease of the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_writer_is_refused_with_the_name_of_the_first(tmp_path, holder):
    for _ in range(2):
        with pytest.raises(InUse) as refused, lease(tmp_path, "train y"):
            pass
        said = str(refused.value)
        assert said.startswith(
            f"{tmp_path}: in use by process {holder.pid} of {os.uname().nodename} (train x"
        )
        assert f"`kill {holder.pid}` there" in said
    assert refused.value.exit_code == 75


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lease_of_a_dead_process_is_taken_over(number, tmp_path, holder, capfd):
    holder.send_signal(number)
    holder.wait()
    assert (tmp_path / ".lease").exists()
    with lease(tmp_path, "train y"):
        assert json.loads((tmp_path / ".lease").read_text())["process"] == os.getpid()
    assert f"process {holder.pid} of" in capfd.readouterr().err


def test_nothing_is_left_behind(tmp_path):
    for _ in range(2):
        with lease(tmp_path / "new", "train x"):
            pass
    with pytest.raises(ZeroDivisionError), lease(tmp_path / "new", "train x"):
        raise ZeroDivisionError
    assert list((tmp_path / "new").iterdir()) == []


def test_a_holder_whose_lease_is_gone_writes_no_more(tmp_path, holder):
    """Its machine was asleep, say, and another one took its place."""
    (tmp_path / ".lease").unlink()
    with lease(tmp_path, "train y"):
        assert holder.wait(10) == 75
        assert b"another job has taken this one's place" in holder.stderr.read()
        assert (tmp_path / ".lease").exists()


def _compete(folder, beginning, times):
    beginning.wait()
    done = 0
    while done < times:
        try:
            with lease(folder, "compete"):
                os.close(os.open(folder / "alone", os.O_CREAT | os.O_EXCL))
                (folder / "alone").unlink()
            done += 1
        except InUse:
            pass


def test_of_many_at_once_one_at_a_time_has_it(tmp_path):
    context = multiprocessing.get_context("fork")
    beginning = context.Event()
    processes = [context.Process(target=_compete, args=(tmp_path, beginning, 20)) for _ in range(4)]
    for process in processes:
        process.start()
    beginning.set()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert list(tmp_path.iterdir()) == []


# --- other machines, and file systems without locks ----------------------------------------------


def held_elsewhere(folder, age=0.0, **known):
    """Leave the lease of a process on another machine, touched so many seconds ago."""
    path = folder / ".lease"
    path.write_text(json.dumps(vars(Holder("train x")) | {"machine": "0" * 8, "host": "node7"} | known))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_a_holder_on_another_machine_that_shows_no_life_is_dead(tmp_path):
    held_elsewhere(tmp_path, age=module.STALE)
    with lease(tmp_path, "train y"):
        pass
    held_elsewhere(tmp_path)
    started = time.monotonic()
    with lease(tmp_path, "train y"):
        assert time.monotonic() - started >= module.STALE / 2


def test_a_holder_on_another_machine_that_shows_life_is_let_be(tmp_path):
    """Although the lock is free here: not every file system tells other machines."""
    path, ended = held_elsewhere(tmp_path), threading.Event()

    def beat():
        while not ended.wait(0.02):
            os.utime(path)

    beating = threading.Thread(target=beat)
    beating.start()
    try:
        with pytest.raises(InUse, match="of node7"), lease(tmp_path, "train y"):
            pass
    finally:
        ended.set()
        beating.join()
    assert [each.name for each in tmp_path.iterdir()] == [".lease"]


@pytest.fixture
def squeue(tmp_path_factory, monkeypatch):
    """Puts a squeue on the path that says something of every job."""
    folder = tmp_path_factory.mktemp("bin")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def install(text, code=0):
        (folder / "squeue").write_text(f'#!/bin/sh\necho "{text}" >&{1 if code == 0 else 2}\nexit {code}\n')
        (folder / "squeue").chmod(0o755)

    return install


@pytest.mark.parametrize(
    ("text", "code", "state"),
    [
        ("RUNNING", 0, "RUNNING"),
        ("", 0, ""),
        ("slurm_load_jobs error: Invalid job id specified", 1, ""),
        ("slurm_load_jobs error: Unable to contact slurm controller", 1, None),
    ],
)
def test_what_squeue_says(text, code, state, squeue):
    squeue(text, code)
    assert module.slurm_state("7") == state


def test_without_slurm_nobody_is_asked(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert module.slurm_state("7") is None


@pytest.mark.parametrize("state", ["CANCELLED", "NODE_FAIL", "PENDING", ""])
def test_a_holder_whose_slurm_job_has_ended_is_dead_at_once(state, squeue, tmp_path, monkeypatch):
    squeue(state)
    monkeypatch.setattr(module, "STALE", 60)
    held_elsewhere(tmp_path, slurm_job="7")
    with lease(tmp_path, "train y"):
        pass


def test_a_suspended_slurm_job_is_let_be_for_as_long_as_it_sleeps(squeue, tmp_path):
    squeue("SUSPENDED")
    held_elsewhere(tmp_path, age=3600, slurm_job="7")
    with pytest.raises(InUse, match="of node7, SLURM job 7"), lease(tmp_path, "train y"):
        pass


def test_a_requeued_slurm_job_is_not_locked_out_by_its_former_run(squeue, tmp_path, monkeypatch):
    """SLURM has ended that one before, and gives both the same number."""
    squeue("RUNNING")
    monkeypatch.setattr(module, "STALE", 60)
    held_elsewhere(tmp_path, slurm_job="7")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with lease(tmp_path, "train y"):
        pass


@pytest.mark.parametrize("alive", [True, False])
def test_where_files_cannot_be_locked_the_process_decides(alive, tmp_path, monkeypatch):
    def fail(file, how):
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", fail)
    gone = subprocess.Popen(["true"])
    gone.wait()
    machine = Holder("x").machine
    path = held_elsewhere(tmp_path, machine=machine, process=os.getppid() if alive else gone.pid)
    if alive:
        with pytest.raises(InUse, match=f"process {os.getppid()}"), lease(tmp_path, "train y"):
            pass
        assert path.exists()
    else:
        with lease(tmp_path, "train y"):
            assert json.loads(path.read_text())["process"] == os.getpid()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"job": "x", "more": 1}', "\0" * 99])
def test_a_lease_that_was_half_written_is_nobodys(text, tmp_path):
    (tmp_path / ".lease").write_text(text)
    with lease(tmp_path, "train y"):
        pass


def test_of_the_workers_of_torchrun_the_first_holds_it_for_all(tmp_path, holder, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with lease(tmp_path, "train y"):
        pass
    assert (tmp_path / ".lease").exists()
