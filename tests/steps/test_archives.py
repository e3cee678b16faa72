"""Export and adopt: what was packed arrives, and anything else is refused before a file is written."""

import io
import json
import os
import random
import tarfile
from dataclasses import replace

import pytest

from sirbench.config import load
from sirbench.jobs.folders import Cell
from sirbench.jobs.kept import kept_cells
from sirbench.machine.errors import InputError
from sirbench.steps.archives import MANIFEST, adopt_cells, export_cells, read_archive
from tests.checkouts import ROOT
from tests.jobs.test_kept import V0, V3, keep


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Study `test` on the machine that exports."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return load("test", ROOT / "config")


@pytest.fixture
def archive(config, tmp_path):
    """Two finished cells, one of them with everything that a training leaves."""
    keep(config, V0)
    keep(config, V3)
    V0.model.mkdir()
    (V0.model / "model.safetensors").write_bytes(b"large")
    for file in (V0.run, V0.step_log, V0.selection):
        file.write_bytes(b"of this cell")
    export_cells(config, tmp_path / "cells.tar.gz")
    return tmp_path / "cells.tar.gz"


@pytest.fixture
def elsewhere(archive, tmp_path, monkeypatch):
    """The working directory of another machine, with nothing in it."""
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    return tmp_path / "there"


def repacked(archive, change):
    """A copy of an archive whose files (a dict by name) went through `change`."""
    with tarfile.open(archive) as packed:
        files = {member.name: packed.extractfile(member).read() for member in packed}
    change(files)
    copy = archive.with_name("other.tar.gz")
    with tarfile.open(copy, "w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return copy


def test_adopted_cells_are_kept_cells_with_the_same_bytes(config, archive, elsewhere):
    before = {path: path.read_bytes() for path in (elsewhere.parent / "here").rglob("*") if path.is_file()}
    assert adopt_cells(config, archive) == ([V0, V3], [])
    assert kept_cells(config) == [V0, V3]
    after = {
        path.relative_to(elsewhere): path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()
    }
    origin = elsewhere.parent / "here"
    travelled = {path.relative_to(origin): content for path, content in before.items()}
    assert after == {
        path: content
        for path, content in travelled.items()
        if path.parent.name != "model" and path.name != V0.run.name
    }


def test_adopting_twice_changes_nothing(config, archive, elsewhere):
    adopt_cells(config, archive)
    assert adopt_cells(config, archive) == ([], [V0, V3])


def test_the_manifest_comes_first_and_names_cells_and_machine(archive):
    with tarfile.open(archive) as packed:
        assert packed.getnames()[0] == MANIFEST
    manifest = read_archive(archive).manifest
    assert manifest["cells"] == [V0.name, V3.name]
    assert {"cpu", "cores", "commit"} <= manifest["machine"].keys()


def test_a_large_selection_trace_stays(config, archive, tmp_path, monkeypatch):
    monkeypatch.setattr("sirbench.steps.archives.SELECTION_BYTES", 3)
    export_cells(config, tmp_path / "small.tar.gz")
    assert not any("selection" in name for name in read_archive(tmp_path / "small.tar.gz").files)


def test_a_study_without_finished_cells_has_nothing_to_export(config, tmp_path):
    with pytest.raises(InputError, match="no finished cell to export; `make study STUDY=test`"):
        export_cells(config, tmp_path / "none.tar.gz")


def test_other_measures_of_a_cell_that_is_here_are_refused(config, archive, elsewhere):
    adopt_cells(config, archive)
    with V0.per_query.open("a") as file:
        file.write("more\n")
    with pytest.raises(InputError, match="v0/seed1 is here already, with other measures"):
        adopt_cells(config, archive)


def test_a_cell_of_other_data_than_those_here_is_refused_and_nothing_is_written(config, archive, elsewhere):
    keep(config, Cell("test", "bm25", "bert", "v4-top-16", 1), inputs={"queries": "other"})
    with pytest.raises(InputError, match=r"of other data than .*v4-top-16"):
        adopt_cells(config, archive)
    assert not V0.folder.exists()


def test_a_cell_of_other_settings_is_refused(config, archive, elsewhere):
    changed = replace(config, study=config.study.model_copy(update={"depth": 10}))
    with pytest.raises(InputError, match="of other settings: depth is 12 there and 10 in study test"):
        adopt_cells(changed, archive)


CHANGES = {
    "a byte": lambda files: files.update({name(V0, "per_query.csv"): b"query_id"}),
    "a file less": lambda files: files.pop(name(V0, "provenance.json")),
    "a file more": lambda files: files.update({"cells/x": b""}),
    "a way out": lambda files: files.update({"../../outside": b""}),
    "no manifest": lambda files: files.pop(MANIFEST),
    "an empty manifest": lambda files: files.update({MANIFEST: b"{}"}),
    "a manifest that is a list": lambda files: files.update({MANIFEST: b"[]"}),
}


def name(cell, file):
    return f"cells/{cell.name}/{file}"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_archive_that_was_changed_is_refused_and_nothing_is_written(config, archive, elsewhere, change):
    with pytest.raises(InputError, match=r"other\.tar\.gz: "):
        adopt_cells(config, repacked(archive, change))
    assert list(elsewhere.iterdir()) == []


def described_anew(files):
    """As if whoever changed the files had changed the manifest, too."""
    from sirbench.steps.archives import _described

    manifest = json.loads(files[MANIFEST])
    manifest["files"] = {name: _described(content) for name, content in files.items() if name != MANIFEST}
    files[MANIFEST] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    "path",
    ["../../../outside/x", "/tmp/outside/x", "cells/bm25/bert/v0/seed9/per_query.csv", "cells/$(touch x)/a"],
)
def test_a_manifest_that_fits_does_not_let_other_paths_in(config, archive, elsewhere, path):
    def change(files):
        files[path] = b"x"
        described_anew(files)

    with pytest.raises(InputError, match="no cell that a table, a figure or a claim of study test needs"):
        adopt_cells(config, repacked(archive, change))
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_cut_archive_is_one_message(config, archive, elsewhere, length):
    archive.write_bytes(archive.read_bytes()[:length])
    with pytest.raises(InputError, match="no archive of `sirbench export`, or a damaged one"):
        adopt_cells(config, archive)


def test_no_flipped_bit_of_an_archive_is_adopted_or_a_traceback(config, archive, elsewhere):
    whole, draw = archive.read_bytes(), random.Random(1)
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        archive.write_bytes(damaged)
        try:
            packed = read_archive(archive)
        except InputError:
            continue
        archive.write_bytes(whole)
        assert packed == read_archive(archive), "a bit where no content is: the header's time, for one"


def test_a_pipe_or_a_deep_manifest_in_place_of_an_archive_is_one_message(config, archive, elsewhere):
    os.mkfifo(elsewhere / "pipe.tar.gz")
    with pytest.raises(InputError, match="not a regular file"):
        adopt_cells(config, elsewhere / "pipe.tar.gz")

    def deep(files):
        files[MANIFEST] = b"[" * 100_000

    with pytest.raises(InputError, match="or a damaged one"):
        adopt_cells(config, repacked(archive, deep))


def test_a_link_in_an_archive_is_refused(config, archive, elsewhere):
    link = archive.with_name("link.tar.gz")
    with tarfile.open(link, "w:gz") as packed:
        member = tarfile.TarInfo(name(V0, "per_query.csv"))
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(member)
    with pytest.raises(InputError, match="is no file"):
        adopt_cells(config, link)


def test_a_missing_archive_is_one_message(config, tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        adopt_cells(config, tmp_path / "none.tar.gz")
