"""A trained cell on other candidates or queries than its own: what tables ask for, and where it is."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sirbench.config import load
from sirbench.jobs import needs
from sirbench.jobs.folders import Cell, Condition, Evaluation
from sirbench.jobs.layout import Layout
from sirbench.study import QuerySet, Row, Table
from tests.checkouts import ROOT

CELL = Cell("demo", "hdct", "bert", "v0", 1)


@pytest.fixture(scope="module")
def demo():
    """Study `demo`, which re-ranks hdct and ance, and evaluates on `tools` with hdct alone."""
    return load("demo", ROOT / "config")


def table(*rows, **settings):
    rows = [Row(label=f"row {place}", backbone="bert", recipe="v0", **row) for place, row in enumerate(rows)]
    return Table(title="Mine", caption="Mine.", measures=["RR@10"], rows=rows, **settings)


def pairs(config, table):
    """What cells were trained on, and what they re-rank."""
    return [(one.trained_on, f"{one.on}/{one.candidates}") for one in needs.conditions(config, table)]


def test_the_crossed_table_is_one_file(demo):
    """Trained on each, tested on the others."""
    rows = [{"negatives": name} for name in ("bm25", "hdct", "ance")]
    columns = ["bm25", "hdct", "ance"]
    crossed = table(*rows, candidates=columns)
    assert sorted(pairs(demo, crossed)) == sorted(
        (row["negatives"], f"dev/{it}") for row in rows for it in columns
    )
    assert len(needs.cells(demo, crossed)) == 3


def test_one_key_of_the_study_trains_everything_on_the_same(demo):
    study = demo.study.model_copy(update={"negatives": "hdct", "reranked": ["bm25", "hdct", "ance"]})
    config = replace(demo, study=study)
    assert pairs(config, table({})) == [("hdct", f"dev/{it}") for it in ("bm25", "hdct", "ance")]
    assert {one.trained_on for one in needs.claimed_conditions(config)} <= {"hdct"}
    # A row that says otherwise is another thing.
    assert {it for it, _ in pairs(config, table({"negatives": "ance"}))} == {"ance"}


def test_without_either_a_cell_re_ranks_what_it_was_trained_on(demo):
    assert pairs(demo, table({})) == [("hdct", "dev/hdct"), ("ance", "dev/ance")]
    assert all(one.is_own for one in needs.evaluations(demo, table({})))


def test_transfer_has_the_home_column_of_everything_that_it_shows_elsewhere(demo):
    transfer = table({}, of="transfer", candidates=["hdct", "bm25"])
    assert pairs(demo, transfer) == [("hdct", "dev/hdct"), ("hdct", "dev/bm25"), ("hdct", "tools/hdct")]
    far = QuerySet(collection="vaswani", candidates=["bm25"])
    config = replace(demo, study=demo.study.model_copy(update={"evaluate_on": {"far": far}}))
    assert pairs(config, table({}, of="transfer", candidates=["bm25"])) == [
        ("hdct", "dev/bm25"),
        ("hdct", "far/bm25"),
    ]


def test_measures_of_a_table_of_transfer_count_where_it_is_shown(demo):
    """Cells of other studies, some of them kept without a run, need not be measured by them."""
    elsewhere = load("laptop", ROOT / "config")
    asked = Table(title="a", caption="b", of="transfer", measures=["P@3"], rows=table({}).rows)
    assert "P@3" in needs.measures(replace(demo, tables={"mine": asked}))
    assert "P@3" not in needs.measures(replace(elsewhere, tables={"mine": asked}))


def test_where_nothing_is_trained_there_is_one_seed_and_no_candidates_that_it_was_trained_on(demo):
    study = demo.study.model_copy(update={"seeds": [3, 1, 2], "negatives": "ance"})
    config = replace(demo, study=study)
    row = Row(label="as it is", backbone="bert", recipe="none", baseline="none")
    untrained = table({}).model_copy(update={"rows": [row]})
    assert needs.cells(config, untrained) == [
        Cell("demo", candidates, "bert", "none", 3) for candidates in ("hdct", "ance")
    ]
    assert all(one.is_own for one in needs.evaluations(config, untrained))


def test_the_re_ranking_that_every_cell_ends_with_is_where_it_was():
    own = Evaluation(CELL, "dev", "hdct")
    assert (own.run, own.per_query, own.job, own.name) == (CELL.run, CELL.per_query, CELL.job, CELL.name)


def test_others_are_below_the_cell():
    other = Condition("demo", "bm25", "bert", "v0", negatives="hdct").evaluation(1)
    assert other.cell == CELL
    assert other.folder == Path("results/demo/cells/hdct/bert/v0/seed1/on/dev/bm25")
    assert other.name == "hdct/bert/v0/seed1 on dev/bm25"
    assert Condition("demo", "hdct", "bert", "v0", on="tools").name == "hdct/bert/v0 on tools/hdct"
    jobs = {Evaluation(CELL, on, it).job for on in ("dev", "tools") for it in ("hdct", "bm25")}
    assert len(jobs) == 4


def test_a_further_set_has_texts_and_candidates_of_its_own_and_the_study_s_models():
    home, there = Layout("demo"), Layout("demo", "tools")
    assert there.queries("dev") == Path("results/demo/on/tools/collection/dev.queries.tsv")
    for own in (
        lambda it: it.tokens("bert"),
        lambda it: it.candidates("bm25", "dev"),
        lambda it: it.qrels("dev"),
    ):
        assert own(there).is_relative_to(there.root) and own(there) != own(home)
    assert there.learned("hdct") == home.learned("hdct") and there.backbone("bert") == home.backbone("bert")


def test_the_study_s_own_queries_have_its_own_tokens_at_any_depth(demo):
    further = {"deep": QuerySet(depth=200), "far": QuerySet(collection="vaswani")}
    config = replace(demo, study=demo.study.model_copy(update={"evaluate_on": further}))
    assert config.at("deep").tokens("bert") == config.tokens("bert") == Path("results/demo/tokens/bert")
    assert config.at("far").tokens("bert") == Path("results/demo/on/far/tokens/bert")
    assert needs.recall(config.at("deep").study) == "R@200"


def test_what_the_page_says_can_be_read(demo):
    """docs/transfer.md: its table and its sets of queries."""
    page = (ROOT / "docs/transfer.md").read_text()
    crossed, elsewhere, deeper, _ = map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S))
    shown = pairs(demo, Table.model_validate(crossed))
    # V0 of either is the baseline.
    assert sorted(set(shown)) == sorted(
        (own, f"dev/{it}") for own in ("bm25", "hdct") for it in ("bm25", "hdct")
    )
    assert len(shown) == 2 * 2 * 2
    said = elsewhere["evaluate_on"] | deeper["evaluate_on"]
    sets = {name: QuerySet.model_validate(it) for name, it in said.items()}
    assert [name for name, spec in sets.items() if spec.collection is None] == ["deep"]
