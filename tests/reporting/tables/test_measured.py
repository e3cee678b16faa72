"""A table's numbers for figures: from its CSV, or from the cells that are there where one failed."""

import json

import pandas as pd
import pytest

from sirbench.config import load
from sirbench.evaluation.measures import write_per_query
from sirbench.jobs.folders import Cell, Condition
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import manifest_of
from sirbench.reporting.tables.measured import (
    is_measured,
    measured_values,
    missing_notes,
    read_trainings,
    table_numbers,
)
from sirbench.reporting.tables.tidy import COLUMNS
from tests.checkouts import ROOT, with_bm25_alone

QUERIES = pd.Index(["1", "2"], name="query_id")


@pytest.fixture
def scifact(tmp_path, monkeypatch):
    """Study `scifact`, three seeds, with V0 in all of them, V1 in two, and nothing else."""
    monkeypatch.chdir(tmp_path)
    config = with_bm25_alone(load("scifact", ROOT / "config"))
    for recipe, seeds in (("v0", (1, 2, 3)), ("v1-random-16", (1, 2))):
        for seed in seeds:
            frame = pd.DataFrame({"RR@100": [0.0, seed / 4], "RR@10": [0.0, 0.0]}, index=QUERIES)
            write_measured(config, Cell("scifact", "bm25", "bert", recipe, seed), frame)
    return config


def write_measured(config, cell, frame):
    """A cell's values, with the record of its training as study and recipe have it."""
    write_per_query(frame, cell.per_query)
    cell.provenance.write_text(json.dumps(made_as(job_of_cell(config, cell), config.study)))


def test_without_a_table_the_cells_that_are_there_in_every_seed_are_worked_out(scifact):
    lines = table_numbers(scifact, "table2", ["RR@100"]).set_index("row")
    v0 = lines.loc["BERT"]
    assert v0["value"] == pytest.approx((0 + (1 + 2 + 3) / 3 / 4) / 2)
    assert (v0["ci_low"], v0["ci_high"]) == (0.0, 0.5)  # of two queries, a resample may have but one
    assert (v0["seeds"], v0["queries"], v0["missing"]) == (3, 2, "")
    assert lines.loc["BERT + V1", "missing"] == "no result"
    assert lines.loc["ELECTRA", "missing"] == "no such backbone in the study"
    assert lines.loc[["BERT + V1", "ELECTRA"], "value"].isna().all()


def test_a_row_s_pairs_are_those_of_all_its_trainings(scifact):
    """V0 has 2 documents in 2 epochs. V4 forwards each of its levels."""
    lines = table_numbers(scifact, "table2", ["RR@100"]).set_index("row")
    assert scifact.study.training.epochs == 2
    assert lines.loc["BERT", "pairs"] == 4
    for seed in (1, 2, 3):
        frame = pd.DataFrame({"RR@100": [0.0, 0.5], "RR@10": [0.0, 0.0]}, index=QUERIES)
        write_measured(scifact, Cell("scifact", "bm25", "bert", "v4-top-16", seed), frame)
    lines = table_numbers(scifact, "table3", ["RR@100"]).set_index("row")
    assert lines.loc["V4 Top 16", "pairs"] == 2 * (88 + 48 + 16)


def test_what_is_missing_in_sentences(scifact):
    assert missing_notes(scifact, table_numbers(scifact, "table2", ["RR@100", "RR@10"])) == [
        "Not in study scifact: ELECTRA.",
        "No result on BM25 candidates: BERT + V1, BERT + V2, BERT + V3, BERT + V4.",
    ]


def test_a_table_that_is_there_is_taken_as_it_is_unless_one_of_its_cells_has_begun_anew(scifact):
    path = Layout("scifact").table("table2")
    path.parent.mkdir(parents=True)
    line = {"row": "BERT", "backbone": "bert", "recipe": "v0", "candidates": "bm25", "measure": "RR@100"}
    pd.DataFrame([line | {"value": 0.75}]).reindex(columns=COLUMNS).to_csv(path, index=False)
    lines = table_numbers(scifact, "table2", ["RR@100"]).set_index("row")
    assert lines.loc["BERT", "value"] == 0.75
    assert len(lines) == 10
    assert lines["baseline"].tolist() == (["", *["v0"] * 4]) * 2
    Cell("scifact", "bm25", "bert", "v1-random-16", 2).provenance.unlink()
    lines = table_numbers(scifact, "table2", ["RR@100"]).set_index("row")
    assert lines.loc["BERT", "value"] == pytest.approx(0.25)


@pytest.mark.parametrize("change", ["epochs", "loss", "no record", "learning_rate"])
def test_values_of_a_model_that_was_trained_otherwise_do_not_count(change, scifact):
    """As when a recipe has changed and its new training failed: Snakemake deletes no measures."""
    v0 = Condition("scifact", "bm25", "bert", "v0")
    record = v0.cell(2).provenance
    assert v0 in measured_values(scifact, "table2")
    made = json.loads(record.read_text())
    if change == "no record":
        record.unlink()
    else:
        places = {"epochs": made["job"], "loss": made["job"]["strategy"], "learning_rate": made["training"]}
        assert change in places[change]
        places[change][change] = 7
        record.write_text(json.dumps(made))
    assert measured_values(scifact, "table2") == {}
    assert not is_measured(scifact, v0.cell(2))
    assert is_measured(scifact, v0.cell(3))


def test_a_table_of_an_older_form_is_worked_out_anew(scifact):
    path = Layout("scifact").table("table2")
    path.parent.mkdir(parents=True)
    pd.DataFrame(columns=["row", "backbone", "recipe", "candidates", "measure", "value"]).to_csv(path)
    lines = table_numbers(scifact, "table2", ["RR@100"]).set_index("row")
    assert lines.loc["BERT", "value"] == pytest.approx(0.25)


REASON = "the loss is NaN at step 3 of bm25/bert/v1-random-16/seed3"


def diverge(config, cell, reason=REASON):
    """The files of a cell whose training diverged."""
    record = made_as(job_of_cell(config, cell), config.study) | {"diverged": reason + "."}
    cell.folder.mkdir(parents=True, exist_ok=True)
    cell.provenance.write_text(json.dumps(record))
    cell.per_query.write_text("query_id,RR@100,RR@10\n")


def test_a_training_that_diverged_is_measured_and_a_reason(scifact):
    v1 = Condition("scifact", "bm25", "bert", "v1-random-16")
    diverge(scifact, v1.cell(3))
    assert is_measured(scifact, v1.cell(3))
    trainings = read_trainings(scifact, v1)
    assert list(trainings.per_query) == [1, 2]
    assert trainings.by("RR@100").of_seeds.tolist() == pytest.approx([1 / 8, 2 / 8])
    assert trainings.convergence == f"2 of 3 seeds converged (seed 3: {REASON})"
    assert measured_values(scifact, "table2").keys() == {v1, Condition("scifact", "bm25", "bert", "v0")}


def test_a_row_of_fewer_seeds_has_the_numbers_of_those_that_converged(scifact):
    diverge(scifact, Cell("scifact", "bm25", "bert", "v1-random-16", 3))
    line = table_numbers(scifact, "table2", ["RR@100"]).set_index("row").loc["BERT + V1"]
    assert line["value"] == pytest.approx((1 / 8 + 2 / 8) / 2)
    assert line["gain"] == pytest.approx(3 / 16 - 1 / 4)
    assert (line["seeds"], line["missing"]) == (2, "")
    assert line["diverged"].startswith("2 of 3 seeds converged")


def test_what_diverged_in_every_seed_has_no_number_and_says_why(scifact):
    for seed in (1, 2, 3):
        diverge(scifact, Cell("scifact", "bm25", "bert", "v0", seed))
    diverge(scifact, Cell("scifact", "bm25", "bert", "v1-random-16", 3))
    lines = table_numbers(scifact, "table2", ["RR@100"]).set_index("row")
    assert lines.loc["BERT", "missing"] == "diverged" and pd.isna(lines.loc["BERT", "value"])
    assert lines.loc["BERT + V1", "missing"] == "no baseline" and pd.isna(lines.loc["BERT + V1", "gain"])
    assert lines.loc["BERT + V2", "missing"] == "no result"
    assert lines.loc["BERT + V1", "value"] == pytest.approx(3 / 16)


def test_an_empty_file_of_a_training_that_did_not_diverge_is_an_error(scifact):
    v0 = Condition("scifact", "bm25", "bert", "v0")
    v0.cell(2).per_query.write_text("query_id,RR@100,RR@10\n")
    manifest_of(v0.cell(2).per_query).unlink()
    with pytest.raises(InputError, match=r"seed2/per_query\.csv: not a complete per-query file"):
        read_trainings(scifact, v0)


def test_seeds_about_other_queries_are_refused(scifact):
    v0 = Condition("scifact", "bm25", "bert", "v0")
    other = pd.DataFrame({"RR@100": [0.5], "RR@10": [0.5]}, index=pd.Index(["3"], name="query_id"))
    write_measured(scifact, v0.cell(2), other)
    with pytest.raises(InputError, match="bm25/bert/v0: seeds 1 and 2 are about different queries"):
        read_trainings(scifact, v0)
