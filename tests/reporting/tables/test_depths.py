"""Table `depth`: one run measured as if only the first candidates had been re-ranked."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from sirbench.config import load
from sirbench.data import collections
from sirbench.data.runs import write_run
from sirbench.jobs import needs
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.figures import draw
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.tables.so_far import table_so_far
from sirbench.steps.table import make_table
from sirbench.study import QuerySet, Row, Table
from tests.checkouts import ROOT

RANKED = {"q1": ["a", "b", "r", "c"], "q2": ["r", "a", "b", "c"], "q3": ["a", "b", "c", "r"]}
"""The candidates, best first; `r` is relevant."""
SCORED = {"q1": ["r", "c", "b", "a"], "q2": ["c", "b", "r", "a"], "q3": ["r", "a", "b", "c"]}
"""V0's order of the same. V3 keeps the candidates' own."""
VALUES = {
    # q1: r is not among the first 2, then first; q2: r first of 2, second of 3, third of 4; q3: at 4 only.
    "V0": {2: (0 + 1 + 0) / 3, 3: (1 + 1 / 2 + 0) / 3, 4: (1 + 1 / 3 + 1) / 3},
    "V3": {2: (0 + 1 + 0) / 3, 3: (1 / 3 + 1 + 0) / 3, 4: (1 / 3 + 1 + 1 / 4) / 3},
}


def run(order):
    lines = [(query, doc, float(-place)) for query, docs in order.items() for place, doc in enumerate(docs)]
    return pd.DataFrame(lines, columns=["query_id", "doc_id", "score"])


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    rows = [
        Row(label="V0", backbone="bert", recipe="v0"),
        Row(label="V3", backbone="bert", recipe="v3-top-16"),
    ]
    table = Table(title="Mine", caption="Mine.", of="depths", measures=["RR@10"], rows=rows)
    config = load("test")
    changed = {"depths": [2, 3, 4, 9], "depth": 4}
    figure = config.figures["depth-curves"].model_copy(update={"table": "mine"})
    config = replace(
        config,
        study=config.study.model_copy(update=changed),
        tables={"mine": table},
        figures={"mine-drawn": figure},
    )
    layout = Layout("test")
    qrels = pd.DataFrame({"query_id": list(RANKED), "doc_id": "r", "relevance": 1})
    collections.write_queries({query: query for query in RANKED}, layout.queries("dev"))
    collections.write_qrels(qrels, layout.qrels("dev"))
    write_run(run(RANKED), layout.candidates("bm25", "dev"), tag="bm25")
    for one, order in zip(needs.evaluations(config, table), (SCORED, RANKED), strict=True):
        write_run(run(order), one.run, tag="mine")
        one.cell.provenance.write_text(json.dumps(made_as(job_of_cell(config, one.cell), config.study)))
    return config


def lines_of(config):
    make_table(config, "mine")
    lines = pd.read_csv(Layout("test").table("mine"), keep_default_na=False, na_values=[""])
    return lines.set_index(["row", "measure", "depth"]).sort_index()


def test_values_at_each_depth_by_hand(study):
    lines = lines_of(study)
    for row, by_depth in VALUES.items():
        assert lines.loc[(row, "RR@10"), "value"].to_dict() == pytest.approx(by_depth)
    # A depth that the candidates do not reach is not shown.
    assert set(lines.index.get_level_values("depth")) == {2, 3, 4}


def test_the_candidates_as_they_are_have_their_recall(study):
    lines = lines_of(study)
    ours = lines.loc["Candidates as they are"]
    assert ours.loc["RR@10", "value"].to_dict() == pytest.approx(VALUES["V3"])
    assert [ours.loc[(f"R@{k}", k), "value"] for k in (2, 3, 4)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert ours["recipe"].isna().all()


def test_a_gain_is_over_the_depth_before(study):
    lines = lines_of(study)
    ours = lines.loc[("V0", "RR@10")]
    assert ours["gain"].iloc[1:].tolist() == pytest.approx([1 / 6, (1 - 1 / 6) / 3])
    assert ours["baseline"].iloc[1:].astype(int).tolist() == [2, 3] and pd.isna(ours["baseline"].iloc[0])
    printed = Layout("test").table("mine", "md").read_text()
    assert "| V0 | BM25, MRR@10, 4 | +0.278 |" in printed
    assert (
        "| V0 | 0.333 | 0.500 | **0.778** |".replace("0.333", "**0.333**").replace("0.500", "**0.500**")
        in printed
    )
    assert (
        "Recall of BM25 candidates: 0.333 at 2, 0.667 at 3, 1.000 at 4 (no re-ranking finds more)." in printed
    )


def test_the_whole_depth_is_what_the_cell_is_measured_as(study):
    from sirbench.evaluation.measures import per_query

    layout = Layout("test")
    whole = per_query(run(SCORED), collections.load_qrels(layout.qrels("dev")), list(RANKED), ["RR@10"])
    assert lines_of(study).loc[("V0", "RR@10", 4), "value"] == pytest.approx(whole["RR@10"].mean())


def test_seeds_are_averaged_and_one_that_diverged_is_said(study):
    study = replace(study, study=study.study.model_copy(update={"seeds": [1, 2]}))
    for one in needs.evaluations(study, study.tables["mine"]):
        if one.cell.seed == 2:
            write_run(run(RANKED), one.run, tag="mine")
            made = made_as(job_of_cell(study, one.cell), study.study)
            broken = {"diverged": "the loss is NaN"} if one.cell.recipe == "v3-top-16" else {}
            one.cell.provenance.write_text(json.dumps(made | broken))
    lines = lines_of(study)
    assert lines.loc[("V0", "RR@10", 4), "value"] == pytest.approx((VALUES["V0"][4] + VALUES["V3"][4]) / 2)
    assert lines.loc[("V0", "RR@10", 4), "sd_seeds"] > 0
    assert lines.loc[("V3", "RR@10", 4), "seeds"] == 1
    assert "V3, BM25: 1 of 2 seeds converged" in Layout("test").table("mine", "md").read_text()


def test_a_run_that_is_missing_is_named_and_the_others_are_shown_so_far(study):
    needs.evaluations(study, study.tables["mine"])[1].run.unlink()
    with pytest.raises(InputError, match=r"not measured.*: bm25/bert/v3-top-16/seed1; `snakemake mine"):
        make_table(study, "mine")
    shown, missing = table_so_far(study, "mine")
    assert [row.label for row in shown.rows] == ["Candidates as they are", "V0"]
    assert missing == ["Not re-ranked: bm25/bert/v3-top-16/seed1."]


def test_the_figure_draws_every_value(study):
    make_table(study, "mine")
    with style.applied():
        (panel,) = draw(study, "mine-drawn").canvas.axes
    curves = [line for line in panel.lines if len(line.get_xdata()) == 3]
    drawn = [dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in curves]
    assert drawn == [pytest.approx(values) for values in (VALUES["V3"], VALUES["V0"], VALUES["V3"])]
    assert panel.get_xscale() == "log"


def test_a_study_without_depths_has_no_such_table_and_an_empty_figure(study):
    study = replace(study, study=study.study.model_copy(update={"depths": []}))
    assert not needs.shows_something(study, study.tables["mine"])
    assert study.figures["mine-drawn"].inputs(study) == []
    with style.applied():
        assert draw(study, "mine-drawn").data.empty


def test_deeper_candidates_are_a_set_of_queries_of_their_own(study):
    further = {"deep": QuerySet(depth=9)}
    study = replace(study, study=study.study.model_copy(update={"evaluate_on": further}))
    deep = study.tables["mine"].model_copy(update={"query_set": "deep"})
    assert needs.shown_depths(study, deep) == [2, 3, 4, 9]
    (first, _) = needs.evaluations(study, deep)
    assert str(first.run) == "results/test/cells/bm25/bert/v0/seed1/on/deep/bm25/run.trec.gz"
    elsewhere = deep.model_copy(update={"query_set": "nowhere"})
    assert not needs.shows_something(study, elsewhere)
