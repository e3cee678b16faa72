import hashlib
import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from sirbench.machine import provenance
from sirbench.machine.manifest import sha256
from sirbench.machine.provenance import PACKAGES, checksums, digest, machine, write_provenance

ROOT = Path(__file__).parents[2]


def test_checksums_are_sha256(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(path) == known
    assert checksums({"one": path}) == {"one": known}
    large = tmp_path / "large"
    large.write_bytes(b"ab" * 10_000_000)
    assert sha256(large) == hashlib.sha256(b"ab" * 10_000_000).hexdigest()


def test_checksums_of_a_folder_are_those_of_every_file_in_it(tmp_path):
    (tmp_path / "model/tokenizer").mkdir(parents=True)
    for name in ("model/config.json", "model/tokenizer/words", "run"):
        (tmp_path / name).write_text(name)
    found = checksums({"start": tmp_path / "model", "run": tmp_path / "run"})
    assert found == {
        "start/config.json": sha256(tmp_path / "model/config.json"),
        "start/tokenizer/words": sha256(tmp_path / "model/tokenizer/words"),
        "run": sha256(tmp_path / "run"),
    }
    (tmp_path / "model/config.json").rename(tmp_path / "model/configuration.json")
    assert checksums({"start": tmp_path / "model", "run": tmp_path / "run"}) != found


def test_a_file_that_is_not_there_has_no_checksum(tmp_path):
    with pytest.raises(FileNotFoundError):
        checksums({"run": tmp_path / "run"})


def test_a_digest_depends_on_the_content_and_not_on_the_order_of_keys():
    content = {"a": 1, "b": [1.5, None, {"c": Path("x")}]}
    assert digest(content) == digest(dict(reversed(content.items())))
    others = [{**content, "a": 2}, {**content, "b": [1.5, None, {"c": Path("y")}]}, {"a": 1}]
    assert len({digest(content), *map(digest, others)}) == 4


def test_the_machine_and_the_commit_of_this_code(monkeypatch, tmp_path):
    git = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip() or None
    monkeypatch.chdir(tmp_path)  # the working folder may be anywhere
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    found = machine()
    assert found["commit"] == commit
    assert found["versions"] == {package: version(package) for package in PACKAGES}
    assert found["python"] == platform.python_version() and found["slurm_job"] == "17"


@pytest.mark.skipif(platform.system() != "Linux", reason="compares with files of Linux")
def test_the_hardware_is_that_of_the_kernels_own_files():
    found = machine()
    memory = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:")
    )
    assert found["memory_gb"] == pytest.approx(int(memory.split()[1]) * 1024 / 1e9, abs=0.1)
    assert found["cores"] == Path("/proc/cpuinfo").read_text().count("processor\t:")
    assert found["kernel"].split()[1] == Path("/proc/sys/kernel/osrelease").read_text().strip()


def test_outside_a_git_checkout_neither_commit_nor_dirt_is_claimed(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "HERE", tmp_path)
    assert (machine()["commit"], machine()["dirty"]) == (None, None)


def test_provenance_is_json_with_the_machine_added(tmp_path):
    write_provenance(tmp_path / "cell" / "provenance.json", {"seed": 1, "path": Path("a/b")})
    content = json.loads((tmp_path / "cell" / "provenance.json").read_text())
    assert content["seed"] == 1 and content["path"] == "a/b"
    assert content["machine"].keys() == machine().keys()
