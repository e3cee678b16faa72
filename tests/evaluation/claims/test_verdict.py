"""Verdicts: which side, corrected by Holm over the family, and what an undecided claim would take."""

from math import isnan, nan

import numpy as np
import pytest

from sirbench.evaluation.claims.inference import Comparison, Effect, compare
from sirbench.evaluation.claims.variance import Components, SeedVariance
from sirbench.evaluation.claims.verdict import ONE_SEED, Question, judge
from sirbench.machine.errors import InputError
from tests.evaluation.claims.made import measured, nothing, study


def comparison(estimate, sd_queries=0.2, sd_seeds=0.01, queries=500, seeds=3):
    """A comparison of seeds in pairs with this difference and these standard deviations."""
    components = Components(sd_queries**2, sd_seeds**2, 0.0)
    effect = Effect(
        estimate,
        components.reference(queries, seeds),
        components,
        SeedVariance(sd_seeds**2 / seeds, seeds - 1, sd_seeds**2),
    )
    return Comparison("v4", "v3", effect, 0.4, queries, seeds, seeds, 0.5, "paired seeds")


def verdict(*args, **options):
    return judge([Question(*args, **options)])[0]


def test_a_significant_difference_supports_or_contradicts_by_its_side():
    supported, contradicted = verdict(comparison(0.05), "better"), verdict(comparison(-0.05), "better")
    assert (supported.word, contradicted.word) == ("supported", "contradicted")
    assert supported.p_value == contradicted.p_value == supported.p_holm < 0.02
    assert supported.to_decide == contradicted.to_decide == ""


def test_equality_is_supported_within_the_margin_and_contradicted_beyond_it():
    words = [verdict(comparison(d), "equal", 0.05).word for d in (0.02, -0.05, 0.12, -0.12)]
    assert words == ["supported", "undecided", "contradicted", "contradicted"]
    # A difference that is significant, but smaller than what matters, is equality.
    small = comparison(0.03, queries=5000, sd_seeds=0.0)
    assert verdict(small, "better").word == verdict(small, "equal", 0.05).word == "supported"


def test_the_family_is_corrected_by_holm():
    one = comparison(0.03)
    p = verdict(one, "better").p_value
    assert 0.017 < p < 0.05 and verdict(one, "better").word == "supported"
    three = judge(
        [Question(one, "better"), Question(comparison(0.001), "better"), Question(one, "equal", 0.05)]
    )
    assert [v.word for v in three] == ["undecided"] * 3
    assert three[0].p_holm == pytest.approx(3 * p) and three[0].p_value == p


def test_claims_that_cannot_be_tested_do_not_count_in_the_family():
    untested = Comparison("v4", "v0", Effect(0.1), 0.4, 500, 1, 3, 0.001, "")
    tested, other = judge([Question(comparison(0.03), "better"), Question(untested, "better")])
    assert tested.p_holm == tested.p_value and tested.word == "supported"
    assert other.word == ONE_SEED and isnan(other.p_value) and isnan(other.p_holm)
    assert other.to_decide == "at least 3 seeds of v4"


def test_two_seeds_are_too_few_for_a_verdict_however_large_the_difference():
    pair = verdict(comparison(0.3, seeds=2), "better")
    assert pair.word == "two seeds: too few to judge a recipe by" and isnan(pair.p_value)
    assert pair.to_decide == "at least 3 seeds of v4 and v3"
    assert verdict(comparison(0.0, seeds=2), "equal", 0.5).word == pair.word


def test_of_seeds_that_diverged_no_more_are_asked_for():
    better, _ = study(np.random.default_rng(0))
    one = measured("v0", better[:1], absent={2: "the loss is NaN", 3: "the loss is NaN"})
    said = verdict(compare(measured("v4", better), one), "better")
    assert said.word == ONE_SEED
    assert said.to_decide == "v0: 1 of 3 seeds converged (seed 2: the loss is NaN; seed 3: the loss is NaN)"
    none = verdict(compare(measured("v4", better), nothing("v0", {1: "NaN"})), "equal", nan)
    assert none.word == "not measured: no seed of v0 gave a model"
    assert none.to_decide == "v0: 0 of 1 seeds converged (seed 1: NaN)"


def test_advice_is_about_the_papers_difference_where_there_is_one():
    undecided = verdict(comparison(0.001), "better", effect_of_paper=0.003)
    assert undecided.word == "undecided"
    assert undecided.to_decide == (
        "power 0.8 for differences from 0.038 on; one of 0.003, the paper's, needs more of both: "
        "no number of queries with 3 seeds is enough, nor seeds alone"
    )
    large = verdict(comparison(0.001), "better", effect_of_paper=-0.05)
    assert large.to_decide == (
        "power 0.8 for differences from 0.038 on; one of 0.05, the paper's, is among them"
    )


def test_advice_is_about_the_measured_difference_where_the_paper_has_none():
    steady = verdict(comparison(-0.01, sd_seeds=0.001), "better").to_decide
    assert steady.startswith("power 0.8 for differences from 0.025 on; one of 0.01, as measured, needs 3,")
    assert steady.endswith(" queries with 3 seeds")
    assert verdict(comparison(0.0), "better").to_decide == "power 0.8 for differences from 0.038 on"


def test_advice_on_equality_is_about_the_margin():
    narrow = verdict(comparison(0.0, sd_queries=0.02), "equal", 0.015).to_decide
    assert narrow == (
        "power 0.8 for equality within 0.027, if there is no difference; "
        "within 0.015 it needs 6 seeds on 500 queries"
    )
    wide = verdict(comparison(0.035), "equal", 0.05).to_decide
    assert wide == "power 0.8 for equality within 0.036, if there is no difference; so there may be one"


def test_advice_is_as_strict_as_holm():
    alone = verdict(comparison(0.0), "better").to_decide
    family = judge([Question(comparison(0.0), "better")] * 10)
    assert family[0].to_decide != alone and "from 0.0" in family[0].to_decide


@pytest.mark.filterwarnings("ignore:Precision loss")
def test_nothing_decides_between_two_that_are_the_same():
    better, _ = study(np.random.default_rng(0))
    same = compare(measured("v4", better), measured("again", better))
    assert verdict(same, "better").word == "undecided"
    assert verdict(same, "better").to_decide == "the two have the same values: there is nothing to decide"
    assert verdict(same, "equal", 0.001).word == "supported"
    apart = compare(measured("v4", better + 0.25), measured("again", better))
    assert verdict(apart, "equal", apart.effect.estimate).word == "undecided"


@pytest.mark.parametrize("kind, margin", [("equal", None), ("better", 0.1)])
def test_a_margin_belongs_to_equality_only(kind, margin):
    with pytest.raises(InputError, match="v4 and v3: a claim of equality has a margin, and only"):
        Question(comparison(0.1), kind, margin)
