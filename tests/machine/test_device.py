import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch

from sirbench.machine import device
from sirbench.machine.device import claim_device, claim_one, describe_device
from sirbench.machine.errors import InputError

HOLDER = """
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def hold(tmp_path):
    """Starts processes that hold a number until they are killed."""
    holders = []

    def start(number):
        command = [sys.executable, "-c", HOLDER, str(tmp_path / str(number))]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()


def test_no_gpu_is_held_twice(tmp_path, hold):
    hold(0)
    hold(2)
    with claim_one("0123", tmp_path) as first, claim_one("0123", tmp_path) as second:
        assert (first, second) == (1, 3)
    with claim_one("0123", tmp_path) as again:
        assert again == 1


def test_a_killed_process_frees_its_gpu_for_one_that_waits(tmp_path, hold, capfd):
    first, _ = hold(0), hold(1)
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -{signal.SIGKILL} {first.pid}"])
    started = time.monotonic()
    with claim_one("01", tmp_path, poll=0.02) as number:
        assert number == 0
        assert time.monotonic() - started > 0.25
    killer.wait()
    assert capfd.readouterr().err == "all 2 GPUs are held by other jobs: waiting for one\n"


def test_an_error_frees_the_gpu(tmp_path):
    with pytest.raises(RuntimeError), claim_one("0", tmp_path):
        raise RuntimeError
    with claim_one("0", tmp_path) as number:
        assert number == 0


def test_a_planted_link_is_neither_followed_nor_emptied(tmp_path):
    """A stranger who knows the folder's name may have made it, or a link in it, before."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "locks").mkdir(mode=0o700)
    (tmp_path / "locks/0").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"), claim_one("0", tmp_path / "locks"):
        pass
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with (
        pytest.raises(InputError, match="link: not a folder that only this user writes to"),
        claim_one("0", tmp_path / "link"),
    ):
        pass
    assert victim.read_text() == "precious" and list((tmp_path / "own").iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o720])
def test_a_folder_that_others_write_to_is_refused(mode, tmp_path):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks").chmod(mode)
    with (
        pytest.raises(InputError, match="set TMPDIR to a folder of your own"),
        claim_one("0", tmp_path / "locks"),
    ):
        pass


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    (tmp_path / "locks").mkdir(mode=0o700)
    monkeypatch.setattr(device.os, "getuid", lambda: os.geteuid() + 1)
    with (
        pytest.raises(InputError, match=rf"\(owner {os.geteuid()}, mode drwx------\)"),
        claim_one("0", tmp_path / "locks"),
    ):
        pass


def test_the_folder_of_locks_is_made_for_this_user_alone(tmp_path):
    before = os.umask(0)
    try:
        with claim_one("0", tmp_path / "locks"):
            modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "locks", tmp_path / "locks/0")]
    finally:
        os.umask(before)
    assert modes == [0o700, 0o600]


def test_what_a_lock_file_holds_stays(tmp_path):
    (tmp_path / "0").write_text("somebody's")
    with claim_one("0", tmp_path):
        assert (tmp_path / "0").read_text() == "somebody's"


@pytest.fixture
def gpus(monkeypatch, tmp_path):
    """Pretends that this process sees two GPUs; the list of their identities is for a test to change."""
    seen = ["GPU-a", "GPU-b"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(seen))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda n: SimpleNamespace(uuid=seen[n]))
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    monkeypatch.setattr(device.tempfile, "gettempdir", lambda: str(tmp_path))
    for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE", "SLURM_JOB_ID", "SLURM_STEP_ID"):
        monkeypatch.delenv(name, raising=False)
    return seen


def test_jobs_of_one_machine_take_a_gpu_each(gpus):
    with claim_device(1, threads=1) as first, claim_device(1, threads=1) as second:
        assert (first, second) == (torch.device("cuda", 0), torch.device("cuda", 1))


def test_a_gpu_that_two_jobs_see_by_other_numbers_is_still_one(gpus):
    with claim_device(1, threads=1) as first:
        gpus.reverse()
        with claim_device(1, threads=1) as second:
            assert (first, second) == (torch.device("cuda", 0), torch.device("cuda", 0))


def test_a_gpu_without_an_identity_is_its_number(gpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda n: SimpleNamespace())
    with claim_device(1, threads=1) as first, claim_device(1, threads=1) as second:
        assert (first, second) == (torch.device("cuda", 0), torch.device("cuda", 1))


def test_workers_of_torchrun_take_a_gpu_each_that_no_other_job_holds(gpus, monkeypatch):
    """And make it torch's current one, through which NCCL sends objects."""
    gpus.append("GPU-c")
    current = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    with claim_device(1, threads=1):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
        monkeypatch.setenv("LOCAL_RANK", "0")
        with claim_device(2, threads=1) as first:
            monkeypatch.setenv("LOCAL_RANK", "1")
            with claim_device(2, threads=1) as second:
                assert (first, second) == (torch.device("cuda", 1), torch.device("cuda", 2))
    assert current == [0, 1, 2]


def test_more_workers_than_gpus_are_refused_since_they_would_wait_for_ever(gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    refused = pytest.raises(InputError, match=r"compute\.gpus: 3, of which 2 can be seen here; lower it")
    with refused, claim_device(3, threads=1):
        pass


def test_jobs_that_share_a_slurm_allocation_take_a_gpu_each(gpus, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with claim_device(1, threads=1) as first, claim_device(1, threads=1) as second:
        assert (first, second) == (torch.device("cuda", 0), torch.device("cuda", 1))


def test_slurm_jobs_that_each_see_one_gpu_do_not_wait_for_each_other(gpus, monkeypatch):
    del gpus[1]
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda n: SimpleNamespace()
    )  # as SLURM shows them: each its own as number 0
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with claim_device(1, threads=1) as first:
        monkeypatch.setenv("SLURM_JOB_ID", "8")
        with claim_device(1, threads=1) as second:
            assert first == second == torch.device("cuda", 0)


def test_a_job_without_gpus_takes_none(gpus, tmp_path):
    with claim_device(0, threads=1) as claimed:
        assert claimed == torch.device("cpu")
    assert list(tmp_path.iterdir()) == []


def test_no_gpu_is_no_error_but_is_said(monkeypatch, capfd):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with claim_device(1, threads=1) as claimed:
        assert claimed == torch.device("cpu")
        assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert "computing on the CPU" in capfd.readouterr().err


def test_what_has_no_deterministic_algorithm_is_an_error_and_memory_is_not_filled():
    with claim_device(0, threads=1):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory


def test_a_cpu_has_no_gpus_properties():
    assert describe_device(torch.device("cpu")) == {"device": "cpu"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_is_described_by_name_memory_and_cuda():
    found = describe_device(torch.device("cuda", 0))
    assert found["device"] == torch.cuda.get_device_name(0) and found["cuda"] == torch.version.cuda
    assert found["gpu_memory_gb"] == pytest.approx(torch.cuda.mem_get_info(0)[1] / 1e9, rel=0.05)
