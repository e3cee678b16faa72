"""What was written is what is read, or is refused with the name of the file and the remedy."""

import hashlib
import json
import os
import re
import shutil

import pytest

from sirbench.machine import manifest as module
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import check_manifest, manifest_of, recorded_file, recorded_folder
from sirbench.machine.provenance import checksums


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run.trec"
    with recorded_file(path) as temporary:
        temporary.write_text("q Q0 d 1 2.5 t\n")
    return path


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    with recorded_folder(path) as temporary:
        (temporary / "config.json").write_text("{}")
        (temporary / "documents").mkdir()
        (temporary / "documents/weights").write_bytes(bytes(1000))
    return path


def test_a_manifest_says_size_and_sha256_of_each_file(file, folder):
    assert json.loads((file.parent / ".run.trec.manifest").read_text()) == {
        "run.trec": {"sha256": hashlib.sha256(b"q Q0 d 1 2.5 t\n").hexdigest(), "bytes": 15}
    }
    assert json.loads((folder / ".manifest").read_text()) == {
        "config.json": {"sha256": hashlib.sha256(b"{}").hexdigest(), "bytes": 2},
        "documents/weights": {"sha256": hashlib.sha256(bytes(1000)).hexdigest(), "bytes": 1000},
    }


def test_what_was_written_is_read(file, folder, tmp_path):
    check_manifest(file, thorough=True)
    check_manifest(folder, thorough=True)
    check_manifest(shutil.copytree(folder, tmp_path / "copied"))
    (folder / ".snakemake_timestamp").touch()
    check_manifest(folder)


def test_what_has_no_manifest_is_taken_as_it_is(file, tmp_path):
    manifest_of(file).unlink()
    file.write_text("other")
    check_manifest(file)
    check_manifest(tmp_path / "missing")
    check_manifest(tmp_path / ("x" * 250))


DAMAGE = {
    "other bytes": (lambda path: path.write_bytes(bytes(999) + b"\1"), "changed since it was written"),
    "cut": (lambda path: path.write_bytes(bytes(999)), "damaged: 999 bytes, and 1000 were written"),
    "emptied": (lambda path: path.write_bytes(b""), "damaged: 0 bytes"),
    "missing": (lambda path: path.unlink(), "missing"),
    "one more": (lambda path: path.with_name("more").touch(), r"not in \.manifest"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_refused_by_name_and_with_the_remedy(damage, said, folder):
    damage(folder / "documents/weights")
    name = folder / "documents" / ("more" if "not in" in said else "weights")
    expected = (
        rf"{re.escape(str(name))}: {said}.*; remove {folder} to have it made again, or {folder}/\.manif"
    )
    with pytest.raises(InputError, match=expected):
        check_manifest(folder)
    with pytest.raises(InputError, match=expected):
        checksums({"start": folder})


def test_a_file_of_the_same_size_is_found_by_what_is_in_it(file):
    file.write_text("q Q0 d 1 2.6 t\n")
    os.utime(file, (0, 0))
    with pytest.raises(InputError, match=r"run\.trec: changed since it was written"):
        check_manifest(file)


def test_a_large_file_is_read_where_it_is_younger_than_its_manifest_or_on_demand(folder, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 10)
    weights = folder / "documents/weights"
    weights.write_bytes(b"\1" * 1000)
    with pytest.raises(InputError, match="sha256"):
        check_manifest(folder)
    os.utime(weights, (0, 0))
    check_manifest(folder)
    for refused in (lambda: check_manifest(folder, thorough=True), lambda: checksums({"start": folder})):
        with pytest.raises(InputError, match="sha256"):
            refused()


def test_what_is_written_again_has_another_manifest(file):
    before = manifest_of(file).read_text()
    with recorded_file(file) as temporary:
        temporary.write_text("other")
    assert manifest_of(file).read_text() != before
    check_manifest(file)


def test_a_writer_that_fails_leaves_what_was_there(file):
    with pytest.raises(ZeroDivisionError), recorded_file(file) as temporary:
        temporary.write_text("other")
        raise ZeroDivisionError
    check_manifest(file, thorough=True)


@pytest.mark.parametrize("text", ["", "[]", '{"run.trec": 5}', '{"run.trec": {"bytes": 15}}', "\0"])
def test_a_damaged_manifest_is_no_traceback(text, file):
    manifest_of(file).write_text(text)
    with pytest.raises(InputError, match=r"run\.trec"):
        check_manifest(file)
