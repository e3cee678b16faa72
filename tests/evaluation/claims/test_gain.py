"""A recipe's gain over its baseline: its intervals against the t-test, Fieller's theorem and simulation."""

from math import isnan, nan, sqrt

import numpy as np
import pytest
from scipy import stats

from sirbench.evaluation.claims.gain import gain_over
from sirbench.evaluation.claims.inference import compare
from tests.evaluation.claims.made import measured, nothing, study

MEAN = 0.5


@pytest.fixture
def pair():
    recipe, baseline = study(np.random.default_rng(0), shift=0.05)
    return recipe + MEAN, baseline + MEAN


def fieller(recipe, baseline):
    """The interval of a ratio of paired means (E. C. Fieller, 1954): all r for which the t-test of
    recipe - r * baseline has p > .05, the roots of a quadratic."""
    n, t = len(recipe), stats.t.ppf(0.975, len(recipe) - 1)
    (v_a, c), (_, v_b) = np.cov(recipe, baseline) / n
    a, b = recipe.mean(), baseline.mean()
    quadratic = [b**2 - t**2 * v_b, -2 * (a * b - t**2 * c), a**2 - t**2 * v_a]
    return sorted(np.roots(quadratic))


def test_with_several_seeds_a_gain_is_the_comparison_of_claims(pair):
    recipe, baseline = measured("v4", pair[0]), measured("v0", pair[1])
    gain, comparison = gain_over(baseline, recipe), compare(recipe, baseline)
    assert gain.absolute == comparison.effect.estimate
    assert gain.interval == comparison.effect.interval
    assert gain.over == "queries and seeds"
    assert gain.p_paired_t == pytest.approx(stats.ttest_rel(pair[0].mean(0), pair[1].mean(0)).pvalue)
    expected = dict(zip((1, 2, 3), pair[0].mean(1) - pair[1].mean(1), strict=True))
    assert gain.of_seeds == pytest.approx(expected)


@pytest.mark.parametrize("rows", [1, 3])
def test_with_one_seed_of_either_it_is_the_paired_t_test_over_queries(pair, rows):
    gain = gain_over(measured("v0", pair[1][:1]), measured("v4", pair[0][:rows]))
    test = stats.ttest_rel(pair[0][:rows].mean(0), pair[1][0])
    assert gain.interval == pytest.approx(tuple(test.confidence_interval()))
    assert gain.p_paired_t == pytest.approx(test.pvalue)
    assert gain.over == "queries"


def test_of_one_seed_the_interval_of_the_relative_gain_is_fiellers(pair):
    gain = gain_over(measured("v0", pair[1][:1]), measured("v4", pair[0][:1]))
    assert gain.relative == pytest.approx(pair[0][0].mean() / pair[1][0].mean() - 1)
    low, high = (ratio - 1 for ratio in fieller(pair[0][0], pair[1][0]))
    assert gain.relative_interval == pytest.approx((low, high))


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("end", [0, 1])
def test_at_the_end_of_its_interval_a_relative_gain_is_just_excluded(pair, seeds, end):
    recipe, baseline = pair[0][:seeds], pair[1][:seeds]
    gain = gain_over(measured("v0", baseline), measured("v4", recipe))
    scaled = measured("v0", (1 + gain.relative_interval[end]) * baseline)
    assert gain_over(scaled, measured("v4", recipe)).interval[end] == pytest.approx(0, abs=1e-8)


def test_absolute_and_relative_gain_have_0_in_their_intervals_together():
    """A recipe barely better than a baseline that is hardly known: 12 queries of a mean of .3, SD .3."""
    generator = np.random.default_rng(2)
    baseline = np.abs(generator.normal(0.3, 0.3, size=(1, 12)))
    disagree = 0
    for shift in np.linspace(-0.2, 0.4, 61):
        recipe = baseline + shift + generator.normal(0, 0.1, size=(1, 12))
        gain = gain_over(measured("v0", baseline), measured("v4", recipe))
        low, high = gain.relative_interval
        disagree += (gain.interval[0] <= 0 <= gain.interval[1]) != (low <= 0 <= high)
    assert disagree == 0


def test_over_a_baseline_that_may_be_0_a_relative_gain_has_no_interval():
    gain = gain_over(measured("v0", [[0.0, 0.0, 0.0, 0.3]]), measured("v4", [[0.2, 0.4, 0.3, 0.3]]))
    assert gain.relative == pytest.approx(3.0) and isnan(gain.relative_interval[0])
    assert not isnan(gain.interval[0])


def test_with_queries_alike_the_relative_interval_is_that_of_the_seeds():
    """Means .55 .60 .53 over .5: the ratios' mean is 1.12, and a t-test on the ratios gives the interval."""
    means, query = np.array([0.55, 0.60, 0.53]), np.ones(20)
    gain = gain_over(measured("v0", np.tile(0.5 * query, (3, 1))), measured("v4", means[:, None] * query))
    assert gain.relative == pytest.approx(0.12)
    expected = stats.ttest_1samp(means / 0.5 - 1, 0).confidence_interval()
    assert gain.relative_interval == pytest.approx(tuple(expected))


def test_the_relative_interval_covers_the_true_gain_as_often_as_it_says():
    """Recipes .5 and .55, three seeds, 100 queries: 95 % +- 3 standard errors of 1 %, and the test's own
    conservatism with few seeds (benchmarks/README.md)."""
    generator = np.random.default_rng(5)
    hits = 0
    for _ in range(500):
        recipe, baseline = study(generator, queries=100, of_seeds=0.03, rest=0.1)
        gain = gain_over(measured("v0", baseline + MEAN), measured("v4", recipe + 1.1 * MEAN))
        low, high = gain.relative_interval
        hits += low <= 0.1 <= high
    assert 0.92 <= hits / 500 <= 0.99


def test_without_a_model_there_is_no_gain(pair):
    for gain in (
        gain_over(nothing("v0", {1: "NaN"}), measured("v4", pair[0])),
        gain_over(measured("v0", pair[1]), nothing("v4", {1: "NaN"})),
    ):
        assert isnan(gain.absolute) and isnan(gain.relative) and isnan(gain.interval[0])
        assert gain.over == "" and not gain.of_seeds


def test_a_single_query_has_a_gain_without_interval():
    gain = gain_over(measured("v0", [[0.2]]), measured("v4", [[0.3]]))
    assert gain.absolute == pytest.approx(0.1) and gain.relative == pytest.approx(0.5)
    assert gain.over == "" and isnan(gain.interval[0]) and isnan(gain.p_paired_t)


def test_over_a_baseline_of_nothing_there_is_no_relative_gain():
    gain = gain_over(measured("v0", [[0.0, 0.0]]), measured("v4", [[0.2, 0.4]]))
    assert gain.absolute == pytest.approx(0.3)
    assert gain.interval == pytest.approx((0.3 - 12.706204736 * 0.1, 0.3 + 12.706204736 * 0.1))
    assert str(gain.relative) == str(gain.relative_interval[0]) == str(nan)


def test_seeds_that_both_have_are_compared_one_by_one(pair):
    gain = gain_over(measured("v0", pair[1], seeds=[1, 2, 4]), measured("v4", pair[0]))
    assert list(gain.of_seeds) == [1, 2]
    assert gain.absolute == pytest.approx(pair[0].mean() - pair[1].mean())


def test_the_spread_over_seeds_is_that_of_their_means(pair):
    recipe = measured("v4", [[0.1, 0.3], [0.4, 0.4], [0.0, 0.6]])
    assert recipe.mean == pytest.approx(0.3)
    assert recipe.of_queries.tolist() == pytest.approx([0.5 / 3, 1.3 / 3])
    assert recipe.sd_seeds == pytest.approx(sqrt((0.1**2 + 0.1**2 + 0) / 2))
    assert isnan(measured("v0", pair[1][:1]).sd_seeds) and isnan(nothing("v0", {1: "NaN"}).mean)
