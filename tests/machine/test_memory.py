"""What is left of memory: from files as the kernel writes them, and of this process itself."""

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sirbench.machine import memory
from sirbench.machine.memory import MARGIN, Limit, cpu_limits, spare

GB = 10**9
PAGE = os.sysconf("SC_PAGE_SIZE")
CPU = torch.device("cpu")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes the root of a machine with 16 GiB, half of it available, this process having 1,000 pages."""
    monkeypatch.setattr(memory, "_freed", lambda: 7)

    def make(groups, files=()):
        files = {
            "proc/self/statm": "90000 1000 50 1 0 100 0\n",
            "proc/self/cgroup": groups,
            "proc/meminfo": "MemTotal:  16777216 kB\nMemAvailable:    8388608 kB\nHugePages_Free: 0\n",
        } | dict(files)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


JOB = Limit(2 * GB - 1000 * PAGE + 7, 2 * GB)
SYSTEM = Limit(8 * 2**30 + 7, 16 * 2**30)


def group(folder, version, limit, used, cache):
    """The files of a control group."""
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }
    limits, usage, cached = names[version]
    return {
        f"sys/fs/cgroup/{folder}/{limits}": f"{limit}\n",
        f"sys/fs/cgroup/{folder}/{usage}": f"{used}\n",
        f"sys/fs/cgroup/{folder}/memory.stat": f"anon 5\n{cached} {cache}\n",
    }


def test_a_machine_without_groups_has_the_job_s_share_and_its_own_memory(machine):
    assert list(cpu_limits(2000, machine("0::/\n"))) == [JOB, SYSTEM]


def test_groups_of_version_2_limit_from_any_height(machine):
    files = (
        group("job/step", 2, "max", 1, 1)
        | group("job", 2, 4 * GB, 3 * GB, GB // 2)
        | group("", 2, 5 * GB, 1, 0)
    )
    found = list(cpu_limits(2000, machine("0::/job/step\n", files)))
    assert found == [JOB, SYSTEM, Limit(GB + GB // 2 + 7, 4 * GB), Limit(5 * GB - 1 + 7, 5 * GB)]


def test_groups_of_version_1_are_those_of_memory(machine):
    groups = "9:name=systemd:/a\n4:memory:/job\n3:cpuset:/cpus\n0::/\n"
    files = group("memory/job", 1, GB, GB // 4, 3) | group("memory", 1, 2**63 - 4096, GB, 0)
    files |= group("a", 1, 1, 1, 1) | group("cpus", 1, 1, 1, 1)
    assert list(cpu_limits(2000, machine(groups, files))) == [JOB, SYSTEM, Limit(GB - GB // 4 + 3 + 7, GB)]


def test_a_container_sees_its_group_at_the_root(machine):
    found = list(cpu_limits(2000, machine("0::/host/only\n", group("", 2, GB, 1, 0))))
    assert found == [JOB, SYSTEM, Limit(GB - 1 + 7, GB)]


def test_workers_of_one_machine_share_the_job_s(machine, monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert next(cpu_limits(2000, machine("0::/\n"))) == Limit(GB // 2 - 1000 * PAGE + 7, GB // 2)


def test_without_proc_nothing_is_left(tmp_path):
    assert list(cpu_limits(2000, tmp_path)) == [Limit(0, 0)]


def test_the_tightest_limit_decides_and_a_margin_stays_free(monkeypatch):
    limits = [Limit(900, 1000), Limit(600, 2000), Limit(500, 500)]
    monkeypatch.setattr(memory, "cpu_limits", lambda mem_mb: limits)
    assert spare(CPU, 1) == 600 - MARGIN["cpu"] * 2000
    limits[1] = Limit(100, 2000)
    assert spare(CPU, 1) == 100 - MARGIN["cpu"] * 2000 < 0


def test_on_a_gpu_what_torch_keeps_for_later_is_free(monkeypatch):
    pretended = {
        "mem_get_info": lambda device: (3000, 10000),
        "memory_reserved": lambda device: 5000,
        "memory_allocated": lambda device: 4500,
    }
    for name, function in pretended.items():
        monkeypatch.setattr(torch.cuda, name, function)
    device = SimpleNamespace(type="cuda")
    assert spare(device, mem_mb=0) == 3000 + 500 - MARGIN["cuda"] * 10000


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_what_this_process_takes_is_gone_and_what_it_frees_is_back():
    """In pieces that the C library keeps for itself: the resident set stays as large."""
    before = spare(CPU, 10**6)  # more than there is: the machine or a group decides
    own = next(cpu_limits(10**6)).free
    held = [np.ones(12_500) for _ in range(4000)]  # 400 MB
    assert -1.2 < (next(cpu_limits(10**6)).free - own) / 400e6 < -0.9
    last = np.ones(12_500)  # keeps the end of the heap
    held.clear()
    assert abs(next(cpu_limits(10**6)).free - own) < 40e6
    assert len(last) and before < 10**12
