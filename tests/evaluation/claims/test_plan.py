"""The cheapest plan: prices counted by hand, seeds and queries held against the power itself."""

from dataclasses import replace

import pytest

from sirbench.config import load
from sirbench.evaluation.claims.plan import AMONG_SIR, OVER_V0, assumed, plan_table, table_claims
from sirbench.evaluation.claims.variance import Components
from sirbench.jobs.cost import Sizes, Speed
from tests.checkouts import ROOT

SIZES = Sizes(1000, 100, 5000)


@pytest.fixture(scope="module")
def paper():
    return load("paper", ROOT / "config")


@pytest.fixture
def speeds(paper):
    """A pair a second with gradient, four forwards a second."""
    return {name: Speed(1.0, 4) for name in paper.study.backbones}


def only(paper, name, recipes):
    """A table with the rows of these recipes alone."""
    table = paper.tables[name]
    return table.model_copy(update={"rows": [row for row in table.rows if row.recipe in recipes]})


def test_each_saving_by_hand(paper, speeds):
    """V0, V3 and V4 Top 16 on two candidates in three seeds, 100 training queries, two epochs.

    A pair without gradient is a quarter of the work of one with: V3's middle level, and re-ranking.
    """
    plan = plan_table(paper, only(paper, "table3", ["v3-top-16", "v4-top-16"]), SIZES, speeds)
    reranked = 3 * 5000 * 100 / 4
    v0, v3, v4, shared = (2 * 100 * pairs for pairs in (2, 88 + 48 / 4 + 16, 88 + 48 + 16, 88))
    assert plan.asked.hours * 3600 == pytest.approx(6 * (v0 + v3 + v4 + reranked))
    assert plan.shared.hours * 3600 == pytest.approx(6 * (v0 + 2 * shared + reranked))
    assert plan.kept.hours * 3600 == pytest.approx(6 * (0.75 * (v0 + 2 * shared) + reranked))
    reranked *= plan.queries / 5000
    assert plan.least.hours * 3600 == pytest.approx(2 * plan.seeds * (0.75 * (v0 + 2 * shared) + reranked))


def test_seeds_and_queries_are_the_fewest_that_decide_every_claim(paper, speeds):
    plan = plan_table(paper, paper.tables["table3"], SIZES, speeds)
    assert plan.claims == len(table_claims(paper, paper.tables["table3"])) > 2

    def decide(seeds, queries):
        return all(it.found(it.components.reference(queries, seeds)) >= 0.8 for it in (OVER_V0, AMONG_SIR))

    assert decide(plan.seeds, 5000) and not decide(plan.seeds - 1, 5000)
    assert decide(plan.seeds, plan.queries) and not decide(plan.seeds, plan.queries - 1)


def test_a_claim_is_planned_for_by_whether_v0_is_in_it(paper):
    claims = paper.claims["paper"].claims
    assert assumed(paper, "hdct", claims["v1-over-v0"]) == OVER_V0
    assert assumed(paper, "hdct", claims["v4-over-v3"]) == AMONG_SIR


def test_a_table_has_the_claims_of_a_difference_whose_both_sides_it_shows(paper):
    two = only(paper, "table3", ["v3-top-16", "v4-top-16", "v3-random-16"])  # and V0, their baseline
    assert table_claims(paper, two) == [
        (candidates, paper.claims["paper"].claims["v4-over-v3"]) for candidates in ("hdct", "ance")
    ]


def test_more_seeds_than_asked_are_paid_for(paper, speeds):
    noisy = AMONG_SIR._replace(components=Components(0.19**2, 0.01**2, 0.0))
    plan = plan_table(paper, paper.tables["table2"], SIZES, speeds, lambda *_: noisy)
    assert plan.seeds > 3
    assert plan.least.pairs.with_gradient == plan.kept.pairs.with_gradient / 3 * plan.seeds


def test_where_no_number_of_seeds_decides_the_study_stays_as_asked(paper, speeds):
    """So few queries that their own chance hides the difference; the plan says how many would do."""
    few = SIZES._replace(dev_queries=50)
    plan = plan_table(paper, paper.tables["table2"], few, speeds)
    assert plan.seeds is None and plan.queries > 50
    assert plan.least == plan.kept


def test_without_claims_seeds_and_queries_stay(paper, speeds):
    silent = replace(paper, claims={})
    plan = plan_table(silent, paper.tables["table2"], SIZES, speeds)
    assert (plan.claims, plan.seeds, plan.queries) == (0, None, None)
    assert plan.least == plan.kept
