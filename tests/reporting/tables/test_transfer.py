"""Table `transfer`: cells on other collections beside their own, and what they lose there."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sirbench.config import load
from sirbench.evaluation.measures import write_per_query
from sirbench.jobs import needs
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.so_far import table_so_far
from sirbench.reporting.tables.transfer import loss_of
from sirbench.steps.table import make_table
from sirbench.study import QuerySet, Row, Table
from tests.checkouts import ROOT

HOME, THERE = [f"h{number}" for number in range(8)], [f"t{number}" for number in range(5)]
ROWS = [Row(label="V0", backbone="bert", recipe="v0"), Row(label="V3", backbone="bert", recipe="v3-top-16")]


def write(path, queries, mean, measures=("RR@10",)):
    """Values that alternate between .1 below and .1 above the mean; with an odd number, the last is it."""
    values = [mean + (0.1 if place % 2 else -0.1) for place in range(len(queries))]
    if len(queries) % 2:
        values[-1] = mean
    frame = pd.DataFrame(dict.fromkeys(measures, values), index=pd.Index(queries, name="query_id"))
    write_per_query(frame, path)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Study `test` in two seeds with a further collection: V0 loses .3 there, V3 .1, the candidates .2."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    table = Table(title="Mine", caption="Mine.", of="transfer", measures=["RR@10"], rows=ROWS)
    config = load("test")
    further = {"far": QuerySet(collection="vaswani", title="Vaswani"), "deep": QuerySet(depth=20)}
    changed = {"seeds": [1, 2], "evaluate_on": further}
    config = replace(config, study=config.study.model_copy(update=changed), tables={"mine": table})
    means = {("v0", "dev"): 0.7, ("v0", "far"): 0.4, ("v3-top-16", "dev"): 0.6, ("v3-top-16", "far"): 0.5}
    for one in needs.conditions(config, table):
        for seed in (1, 2):
            evaluation = one.evaluation(seed)
            write(evaluation.per_query, HOME if one.on == "dev" else THERE, means[one.recipe, one.on])
            made = made_as(job_of_cell(config, evaluation.cell), config.study)
            evaluation.cell.provenance.write_text(json.dumps(made))
    for on, queries, mean in (("dev", HOME, 0.5), ("far", THERE, 0.3)):
        write(Layout("test", on).candidates_per_query("bm25"), queries, mean, ("RR@10", "R@12"))
    return config


def test_the_columns_are_the_study_s_own_queries_and_other_collections(study):
    """Its own at a greater depth are another question."""
    assert needs.columns(study, study.tables["mine"]) == [("dev", "bm25"), ("far", "bm25")]


def test_what_is_lost_and_the_gain_there(study):
    make_table(study, "mine")
    lines = pd.read_csv("results/test/tables/mine.csv").set_index(["row", "on"])
    assert lines["value"].to_dict() == pytest.approx(
        {("V0", "dev"): 0.7, ("V0", "far"): 0.4, ("V3", "dev"): 0.6, ("V3", "far"): 0.5}
    )
    assert lines.loc[("V0", "far"), ["home_value", "loss"]].tolist() == pytest.approx([0.7, 0.3])
    assert lines.loc[("V3", "far"), "loss"] == pytest.approx(0.1)
    assert lines.xs("dev", level="on")[["home_value", "loss", "loss_low"]].isna().all(axis=None)
    # The gain over V0 is of the same queries.
    assert lines["gain"].dropna().to_dict() == pytest.approx({("V3", "dev"): -0.1, ("V3", "far"): 0.1})
    assert lines["queries"].to_dict() == {(row, on): 8 if on == "dev" else 5 for row, on in lines.index}


def test_the_printed_table_has_the_candidates_loss_beside(study):
    make_table(study, "mine")
    printed = (Layout("test").table("mine", "md")).read_text()
    assert "| Model | dev: BM25 Top 12<br>MRR@10 | Vaswani: BM25 Top 12<br>MRR@10 |" in printed
    losses = printed.partition("## Loss against the home collection")[2]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in losses.splitlines() if "Vaswani" in line
    ]
    assert [row[0] for row in rows] == ["Candidates as they are", "V0", "V3"]
    assert [row[2:5] for row in rows] == [
        ["0.500", "0.300", "+0.200"],
        ["0.700", "0.400", "+0.300"],
        ["0.600", "0.500", "+0.100"],
    ]
    assert "Means over 8 dev queries and 5 far queries and 2 seeds" in printed
    assert "Vaswani: BM25 Top 12 before re-ranking: MRR@10 0.300" in printed


def test_a_loss_over_different_queries_by_hand():
    """Welch: standard error sqrt(1/3/4 + 4/2), degrees of freedom (25/12)^2 / ((1/12)^2/3 + 2^2/1)."""
    home, there = pd.Series([0.0, 1.0, 0.0, 1.0]), pd.Series([3.0, 5.0])
    home_part, there_part = 1 / 3 / 4, 2 / 2
    freedom = (home_part + there_part) ** 2 / (home_part**2 / 3 + there_part**2 / 1)
    from scipy.stats import t

    half = t.ppf(0.975, freedom) * np.sqrt(home_part + there_part)
    assert loss_of(home, there) == pytest.approx((-3.5, -3.5 - half, -3.5 + half))


def test_of_a_single_query_there_is_no_interval():
    loss, low, high = loss_of(pd.Series([0.5, 0.7]), pd.Series([0.1]))
    assert loss == pytest.approx(0.5) and np.isnan([low, high]).all()
    assert loss_of(pd.Series([1.0, 1.0]), pd.Series([0.5, 0.5])) == (0.5, 0.5, 0.5)


def test_a_set_that_is_not_measured_is_named_and_shown_so_far(study):
    needs.evaluations(study, study.tables["mine"])[-1].per_query.unlink()
    with pytest.raises(InputError, match=r"not measured.*: bm25/bert/v3-top-16 on far/bm25; `snakemake mine"):
        make_table(study, "mine")
    shown, missing = table_so_far(study, "mine")
    assert missing == ["Not measured on BM25 candidates of Vaswani: V3."]
    assert [row.label for row in shown.rows] == ["V0", "V3"]


def test_without_further_collections_there_is_no_such_table(study):
    config = replace(
        study, study=study.study.model_copy(update={"evaluate_on": {"deep": QuerySet(depth=20)}})
    )
    assert not needs.shows_something(config, config.tables["mine"])
    with pytest.raises(InputError, match="has no backbone, or no candidates, that it shows"):
        make_table(config, "mine")
