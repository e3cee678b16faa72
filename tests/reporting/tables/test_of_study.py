"""A whole table from the files of its cells: three seeds, one of which diverged."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sirbench.config import load
from sirbench.evaluation.measures import write_per_query
from sirbench.jobs import needs
from sirbench.jobs.folders import Condition
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.table import make_table
from sirbench.study import Row, Table
from tests.checkouts import ROOT

QUERIES = [f"q{number}" for number in range(30)]
V0, V4 = (Condition("test", "bm25", "bert", recipe) for recipe in ("v0", "v4-top-16"))


def write_cell(config, cell, values):
    frame = pd.DataFrame({"RR@100": values}, index=pd.Index(QUERIES, name="query_id"))
    write_per_query(frame, cell.per_query)
    cell.provenance.write_text(json.dumps(made_as(job_of_cell(config, cell), config.study)))


def diverge(cell):
    record = json.loads(cell.provenance.read_text()) | {"diverged": "the loss is NaN at step 3"}
    cell.provenance.write_text(json.dumps(record))
    cell.per_query.write_text("query_id,RR@100\n")


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Study `test` in three seeds, with a table of V0 and V4, and all of its cells; V4 is better by .1."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    config = load("test")
    rows = [
        Row(label="V0", backbone="bert", recipe="v0"),
        Row(label="V4", backbone="bert", recipe="v4-top-16"),
    ]
    table = Table(title="Mine", caption="Mine.", measures=["RR@100"], rows=rows)
    study = config.study.model_copy(update={"seeds": [1, 2, 3]})
    config = replace(config, study=study, tables={"mine": table})
    draw = np.random.default_rng(0)
    query = draw.normal(size=len(QUERIES)) / 20
    for one in needs.conditions(config, table):
        for seed in study.seeds:
            chance = draw.normal(size=len(QUERIES)) / 50 + draw.normal() / 100
            write_cell(config, one.cell(seed), 0.3 + 0.1 * (one == V4) + query + chance)
    return config


def made(config):
    """The table's CSV by row, and its Markdown."""
    make_table(config, "mine")
    return pd.read_csv(Layout("test").table("mine")).set_index("row"), Layout("test").table(
        "mine", "md"
    ).read_text()


def means(condition, seeds=(1, 2, 3)):
    return [pd.read_csv(condition.cell(seed).per_query)["RR@100"].iloc[:-1].mean() for seed in seeds]


def test_spread_and_gain_from_the_files_of_three_seeds(study):
    lines, printed = made(study)
    line = lines.loc["V4"]
    assert line["sd_seeds"] == pytest.approx(np.std(means(V4), ddof=1))
    differences = np.subtract(means(V4), means(V0))
    assert line["gain"] == pytest.approx(differences.mean())
    assert [float(of) for of in line["gain_of_seeds"].split()] == pytest.approx(differences.tolist())
    assert (line["gain_over"], line["cpr"]) == ("queries and seeds", "product")
    assert f"| V4 | **{line['value']:.3f}**† ± {line['sd_seeds']:.3f} |" in printed
    assert "- V4: CPR of Eq. 7 read as product (docs/cpr.md)." in printed
    assert "see the target claims (docs/claims.md)." in printed


def test_with_a_seed_that_diverged_the_others_are_the_row(study):
    diverge(V4.cell(2))
    lines, printed = made(study)
    line = lines.loc["V4"]
    assert (line["seeds"], lines.loc["V0", "seeds"]) == (2, 3)
    assert line["value"] == pytest.approx(np.mean(means(V4, (1, 3))))
    assert line["gain"] == pytest.approx(np.mean(means(V4, (1, 3))) - np.mean(means(V0)))
    assert line["diverged"] == "2 of 3 seeds converged (seed 2: the loss is NaN at step 3)"
    assert "| V4 (2 of 3 seeds) |" in printed
    per_query = [
        np.mean([pd.read_csv(one.cell(seed).per_query)["RR@100"].iloc[:-1] for seed in seeds], axis=0)
        for one, seeds in ((V4, (1, 3)), (V0, (1, 2, 3)))
    ]
    assert line["p_paired_t"] == pytest.approx(stats.ttest_rel(*per_query).pvalue)


def test_a_baseline_that_diverged_in_every_seed_leaves_one_message(study):
    for seed in (1, 2, 3):
        diverge(V0.cell(seed))
    lines, printed = made(study)
    assert lines["gain"].isna().all() and not lines["dagger"].any()
    assert "| V0 | diverged |" in printed and "†" not in printed and "## Gains" not in printed
    assert printed.count("converged") == 1
    assert (
        "- No gains and no tests of V4 (BM25 Top 12), since the baseline, bert with v0, diverged: 0 of 3"
        in printed
    )


def test_a_table_all_of_which_diverged_says_so(study):
    for one in (V0, V4):
        for seed in (1, 2, 3):
            diverge(one.cell(seed))
    lines, printed = made(study)
    assert lines["value"].isna().all()
    assert "- No seed of any row converged." in printed and "| V4 | diverged |" in printed
    assert r"V4 & diverged \\" in Layout("test").table("mine", "tex").read_text()


def test_a_cell_that_is_missing_is_no_cell_that_diverged(study):
    V4.cell(2).provenance.unlink()
    with pytest.raises(
        InputError, match="not measured, or not as study and recipes now are: bm25/bert/v4-top-16"
    ):
        make_table(study, "mine")
