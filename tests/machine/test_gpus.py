import pytest

from sirbench.machine.gpus import visible_gpus


@pytest.mark.parametrize(
    ("named", "count"),
    [
        ("", 0),
        ("0", 1),
        ("0,1", 2),
        (" 2 , 3,5", 3),
        ("GPU-5f3a,MIG-77b1", 2),
        ("-1", 0),
        ("0,-1,1", 1),  # CUDA ignores what follows an invalid number
        ("NoDevFiles", 0),  # what some versions of SLURM say where a job has no GPU
    ],
)
def test_what_cuda_visible_devices_names(named, count, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == count


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Puts an nvidia-smi on the path that prints a text and ends with a code."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def install(text, code=0):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
        program.chmod(0o755)

    return install


def test_what_the_driver_lists(driver):
    driver(
        "GPU 0: NVIDIA H200 (UUID: GPU-1)\n"
        "  MIG 1g.18gb     Device  0: (UUID: MIG-2)\n"
        "GPU 1: NVIDIA H200 (UUID: GPU-3)"
    )
    assert visible_gpus() == 2


def test_a_driver_that_fails_has_none(driver):
    driver("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", code=9)
    assert visible_gpus() == 0


def test_no_driver_no_gpus(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == 0
