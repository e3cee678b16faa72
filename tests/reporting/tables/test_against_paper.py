"""The paper's gains beside ours: worked out by hand, and what may be said of them."""

from math import nan

import pytest

from sirbench.evaluation.claims.verdict import ONE_SEED
from sirbench.reporting.tables.against_paper import verdict
from sirbench.reporting.tables.published import read_published
from tests.reporting.tables.conftest import BASE, NONE, ODD, TWICE, condition, tidy_lines, two_seeds, values

COLUMNS = ["published", "published_gain", "published_gain_relative", "delta_ri"]


@pytest.fixture
def published(tmp_path):
    """V0 and V4 of Table 3, of which V4 gains 14 %; V1 without a baseline of its own in Table 2."""
    path = tmp_path / "published.csv"
    path.write_text(
        "table,label,backbone,recipe,candidates,measure,value,significant\n"
        "table3,BERT,bert,v0,hdct,RR@100,0.386,no\n"
        "table3,V4 Top 8,bert,v4-top-8,hdct,RR@100,0.44,yes\n"
        "table3,V3 Top 8,bert,v3-top-8,hdct,RR@100,0.437,yes\n"
        "table2,V1,bert,v1-top-16,hdct,RR@100,0.1,no\n"
    )
    return read_published(path)


def test_gains_are_over_each_ones_own_baseline(four_rows, published):
    """Ours: 5/12 to 10/12, a gain of 100 %; to 8/12, 60 %. Theirs: .386 to .44, 13.99 %; to .437, 13.21 %."""
    frame = tidy_lines("table3", *four_rows, ["hdct"], published)
    paper = [(0.386, nan, nan, nan), (0.44, 0.054, 0.054 / 0.386, 0.054 / 0.386 - 1)]
    paper += [(nan, nan, nan, nan), (0.437, 0.051, 0.051 / 0.386, 0.051 / 0.386 - 0.6)]
    for line, expected in zip(frame[COLUMNS].to_numpy(), paper, strict=True):
        assert line.tolist() == pytest.approx(list(expected), nan_ok=True)


def test_a_row_with_a_baseline_of_its_own_has_that_of_the_paper_beside_it(four_rows, published):
    table, per_query = four_rows
    rows = [*table.rows[:1], table.rows[1].model_copy(update={"baseline": "v3-top-8"}), *table.rows[2:]]
    table = table.model_copy(update={"rows": rows})
    line = tidy_lines("table3", table, per_query, ["hdct"], published).iloc[1]
    assert line["published_gain"] == pytest.approx(0.44 - 0.437)
    assert line["delta_ri"] == pytest.approx(0.003 / 0.437 - (10 / 8 - 1))


@pytest.mark.parametrize("name", ["table3", "mine"])
def test_nothing_is_published_for_another_setting_or_another_table(four_rows, published, name):
    frame = tidy_lines(name, *four_rows, ["hdct"], None if name == "table3" else published)
    assert frame[COLUMNS].isna().all(axis=None)
    assert set(frame["verdict"]) == {""}


def test_verdicts_come_from_the_interval_over_queries_and_seeds(four_rows, published):
    table, per_query = four_rows
    assert tidy_lines("table3", table, per_query, ["hdct"], published)["verdict"].tolist() == [
        *("", ONE_SEED, "", ONE_SEED)
    ]
    recipes = {"v0": BASE, "v4-top-8": TWICE, "v1-top-16": NONE, "v3-top-8": ODD}
    seeds = {
        condition("hdct", "bert", name): two_seeds(values(RR_100=of), 0.001) for name, of in recipes.items()
    }
    frame = tidy_lines("table3", table, seeds, ["hdct"], published).set_index("row")
    assert frame.loc["V4 Top 8", "verdict"] == "higher"  # twice V0 at every query, in every seed
    assert frame.loc["V3 Top 8", "verdict"] == "undecided"  # three queries, of which one differs


@pytest.mark.parametrize(
    ("interval", "paper", "expected"),
    [
        ((0.10, 0.20), 0.14, "compatible"),
        ((0.10, 0.14), 0.14, "compatible"),
        ((-0.10, 0.20), 0.14, "undecided"),
        ((0.0, 0.20), 0.14, "undecided"),
        ((-0.10, 0.20), 0.0, "compatible"),
        ((0.02, 0.10), 0.14, "lower"),
        ((-0.02, 0.10), 0.14, "lower"),
        ((0.15, 0.20), 0.14, "higher"),
        ((-0.10, -0.02), 0.14, "opposite"),
        ((-0.10, -0.02), -0.17, "higher"),
        ((-0.30, -0.20), -0.17, "lower"),
        ((0.02, 0.10), -0.17, "opposite"),
        ((-0.02, 0.10), -0.17, "higher"),
        ((0.02, 0.10), nan, ""),
    ],
)
def test_a_verdict_says_where_our_interval_lies(interval, paper, expected):
    assert verdict(*interval, "queries and seeds", paper) == expected


def test_nothing_is_said_of_the_recipe_by_one_seed_or_none():
    assert verdict(0.1, 0.2, "queries", 0.14) == ONE_SEED
    assert verdict(nan, nan, "", 0.14) == ""
