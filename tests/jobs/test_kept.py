"""Cells that are kept without their model: which they are, and which are refused, by name."""

import json

import pytest

from sirbench.config import load
from sirbench.jobs.folders import Cell
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.kept import (
    check_against_present,
    differences,
    kept_candidates,
    kept_cells,
    made_with,
)
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import measures
from sirbench.machine.errors import InputError
from tests.checkouts import ROOT

V0 = Cell("test", "bm25", "bert", "v0", 1)
V3 = Cell("test", "bm25", "bert", "v3-top-16", 1)


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load("test", ROOT / "config")


def keep(config, cell, **changed):
    """A cell as git keeps it: its measures, and where it comes from."""
    made = {
        **made_as(job_of_cell(config, cell), config.study),
        "seed": cell.seed,
        "inputs": {"queries": "a", "qrels": "b", "candidates": "c", "tokens/x": "d", "start/y": "e"},
        **made_with(config.study, cell.candidates, cell.backbone),
        **changed,
    }
    cell.folder.mkdir(parents=True)
    cell.provenance.write_text(json.dumps(made))
    cell.per_query.write_text(",".join(["query_id", *measures(config)]) + "\n")


def test_a_measured_cell_without_model_and_run_is_kept(config):
    keep(config, V0)
    keep(config, V3)
    assert kept_cells(config) == [V0, V3]
    V3.model.mkdir()
    assert kept_cells(config) == [V0]


@pytest.mark.parametrize("lost", ["per_query", "provenance"])
def test_a_cell_without_measures_or_provenance_is_not_kept(config, lost):
    keep(config, V0)
    getattr(V0, lost).unlink()
    assert kept_cells(config) == []


def test_folders_that_the_study_does_not_know_do_not_count(config):
    for cell in (Cell("test", "bm25", "bert", "v0", 99), Cell("test", "bm25", "bert", "mine", 1)):
        cell.folder.mkdir(parents=True)
        cell.per_query.write_text("query_id\n")
        cell.provenance.write_text("{}")
    assert kept_cells(config) == []


def test_their_candidates_are_kept_with_their_measures_and_without_their_run(config):
    keep(config, V0)
    layout = Layout("test")
    assert kept_candidates([V0]) == []
    path = layout.candidates_per_query("bm25")
    path.parent.mkdir(parents=True)
    path.touch()
    assert kept_candidates([V0]) == ["bm25"]
    layout.candidates("bm25", "dev").touch()
    assert kept_candidates([V0]) == []


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"seed": 2}, "seed"),
        ({"depth": 10}, "depth"),
        ({"input": {"max_tokens": 9, "max_query_tokens": 1}}, "input.max_tokens is 9 there"),
        ({"candidates_settings": {"first_stage": "bm25"}}, "candidates_settings"),
        ({"backbone_settings": []}, "backbone_settings"),
    ],
)
def test_a_cell_of_other_settings_is_refused_by_cell_and_key(config, changed, key):
    keep(config, V0, **changed)
    with pytest.raises(InputError, match=f"{V0.folder}: of other settings: {key}"):
        kept_cells(config)


def test_a_recipe_that_has_changed_is_refused_by_name(config):
    keep(config, V0)
    made = json.loads(V0.provenance.read_text())
    made["job"]["strategy"]["levels"] = [7]
    V0.provenance.write_text(json.dumps(made))
    with pytest.raises(InputError, match=r"job\.strategy\.levels is \[7\] there"):
        kept_cells(config)


def test_a_cell_without_a_measure_that_is_asked_for_is_refused(config):
    keep(config, V0)
    V0.per_query.write_text("query_id,RR@100\n")
    with pytest.raises(
        InputError, match=r"RR@10, .*was not measured, and without the cell's run it cannot be"
    ):
        kept_cells(config)


def test_cells_of_other_data_are_refused_by_name(config):
    keep(config, V0)
    keep(config, V3, inputs={"queries": "a", "qrels": "b", "candidates": "other", "tokens/x": "d"})
    with pytest.raises(
        InputError, match=f"{V3.folder}: of other data than {V0.folder}: their candidates differ"
    ):
        kept_cells(config)


def test_what_only_one_of_two_cells_reads_is_not_compared(config):
    """V2's last level starts from a level, and not from the backbone as the others do."""
    v2 = Cell("test", "bm25", "bert", "v2-top-16", 1)
    keep(config, V0)
    keep(config, v2)
    made = json.loads(v2.provenance.read_text())
    made["inputs"]["start/y"] = "of the level before"
    v2.provenance.write_text(json.dumps(made))
    assert kept_cells(config) == [V0, v2]


def test_a_training_beside_kept_cells_reads_what_they_read(config):
    keep(config, V0)
    same = json.loads(V0.provenance.read_text())["inputs"]
    check_against_present(config, V3, same, V3.folder)
    with pytest.raises(InputError, match="tokens/x differ"):
        check_against_present(config, V3, same | {"tokens/x": "other"}, V3.folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"inputs": 1}', "\0"])
def test_a_damaged_provenance_is_one_message(config, text):
    keep(config, V0)
    V0.provenance.write_text(text)
    with pytest.raises(InputError, match=r"provenance\.json: not the provenance of a training"):
        kept_cells(config)


@pytest.mark.parametrize("file", [V0.provenance, V0.per_query])
def test_other_bytes_than_text_are_one_message(config, file):
    keep(config, V0)
    file.write_bytes(b"\xff" + file.read_bytes())
    with pytest.raises(InputError, match=f"{file.name}: not UTF-8 at byte 0"):
        kept_cells(config)


def test_differences_name_nested_keys():
    found = {"a": 1, "b": {"c": 2, "d": 3}, "old": 0}
    wanted = {"a": 1, "b": {"c": 5, "d": 3}, "new": None}
    assert list(differences(found, wanted)) == [("b.c", 2, 5), ("old", 0, None)]
