"""Components of variance against a table worked out by hand, an analysis of variance, and a large draw."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.formula.api import ols

from sirbench.evaluation.claims.inference import estimate
from sirbench.evaluation.claims.variance import (
    Components,
    independent_seeds,
    paired_seeds,
    pool,
    query_variance,
    welch_freedom,
)
from tests.evaluation.claims.made import study

# Differences of two recipes, 2 seeds x 3 queries. Means of rows 1, 3; of columns 1, 2, 3; of all 2. Sums of
# squares: 3 (1 + 1) = 6 of seeds, 2 (1 + 0 + 1) = 4 of queries, 22 in all, which leaves 12.
DIFFERENCES = np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 6.0]])


def test_components_of_a_table_worked_out_by_hand():
    than = np.array([[0.3, 0.1, 0.9], [0.5, 0.2, 0.4]])
    effect = estimate(than + DIFFERENCES, than, paired=True)
    assert effect.estimate == pytest.approx(2)
    # Mean squares: seeds 6/1, queries 4/2 = 2, rest 12/2 = 6. Q = (2 - 6)/2 < 0; S = (6 - 6)/3 = 0; QS = 6.
    assert effect.components.queries == 0
    assert effect.components.seeds == pytest.approx(0, abs=1e-12)
    assert effect.components.interaction == pytest.approx(6)
    # What other seeds change: means per seed 1 and 3, of variance 2, over 2 seeds.
    assert effect.standard_error == pytest.approx(1)
    assert effect.degrees_of_freedom == pytest.approx(1)
    assert effect.sd_seeds == pytest.approx(2**0.5)


def test_mean_squares_are_those_of_an_analysis_of_variance():
    better, than = study(np.random.default_rng(0), seeds=4, queries=12)
    differences = pd.DataFrame(better - than).stack().rename("d").reset_index()
    table = sm.stats.anova_lm(ols("d ~ C(level_0) + C(level_1)", differences).fit())
    seeds, queries, rest = table["mean_sq"]
    effect = estimate(better, than, paired=True)
    assert effect.components.queries == pytest.approx((queries - rest) / 4)
    assert effect.components.seeds == pytest.approx(max(0, (seeds - rest) / 12))
    assert effect.components.interaction == pytest.approx(rest)
    assert effect.standard_error**2 == pytest.approx((queries + seeds - rest) / (4 * 12))


@pytest.mark.parametrize("paired", [True, False])
def test_components_are_found_again_in_a_large_table(paired):
    better, than = study(np.random.default_rng(1), seeds=400, queries=1000, of_seeds=0.2, rest=0.5)
    components = estimate(better, than, paired=paired).components
    assert components.queries**0.5 == pytest.approx(0.3, rel=0.05)
    assert components.seeds**0.5 == pytest.approx(0.2, rel=0.08)
    assert components.interaction**0.5 == pytest.approx(0.5, rel=0.01)


def test_what_a_seed_does_to_both_recipes_cancels_in_pairs_only():
    better, than = study(np.random.default_rng(2), seeds=5)
    common = np.array([[0.5], [-0.5], [0.1], [0.9], [-1.0]])
    assert paired_seeds(better + common, than + common).variance == pytest.approx(
        paired_seeds(better, than).variance
    )
    assert independent_seeds(better + common, than + common).variance > 0.1
    assert independent_seeds(better, than).variance < 0.001


def test_independent_seeds_are_welchs():
    better, than = np.array([[1.0], [2.0], [6.0]]), np.array([[1.0], [3.0]])
    seeds = independent_seeds(better, than)
    # Variances 7 and 2, of means 7/3 and 1; Welch: (10/3)^2 / ((7/3)^2 / 2 + 1^2 / 1).
    assert seeds.variance == pytest.approx(10 / 3)
    assert seeds.freedom == pytest.approx((100 / 9) / (49 / 18 + 1))
    assert seeds.per_seed == pytest.approx(9)
    assert welch_freedom([0.0, 0.0], [2, 1]) == 3


def test_the_variance_of_seeds_is_pooled_over_a_table():
    means = np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [5.0, 3.0, 1.0]])
    better, than, other = (row[:, None] * np.ones((1, 4)) for row in means)
    paired = paired_seeds(better, than, [other])
    # Rows less their means, (-1 0 1), (0 0 0), (2 0 -2), and less the columns' means of these, (1/3 0 -1/3);
    # a difference of two recipes has twice the mean square of this residual, of 2 x 2 degrees of freedom.
    residual = np.array([[-4 / 3, 0, 4 / 3], [-1 / 3, 0, 1 / 3], [5 / 3, 0, -5 / 3]])
    assert (paired.freedom, paired.pooled_freedom) == (4, 2)
    assert paired.per_seed == pytest.approx(2 * (residual**2).sum() / 4)
    assert paired.variance == pytest.approx(paired.per_seed / 3)
    independent = independent_seeds(better, than, [other])
    # Sums of squares within recipes 2, 0, 8, with 6 degrees of freedom.
    assert (independent.freedom, independent.pooled_freedom) == (6, 2)
    assert independent.variance == pytest.approx(10 / 6 * (1 / 3 + 1 / 3))


def test_seeds_that_vary_more_than_the_others_are_not_pooled():
    steady, varying = np.array([[0.0], [0.1], [-0.1]]), np.array([[0.0], [5.0], [-5.0]])
    for of in (paired_seeds, independent_seeds):
        seeds = of(varying, -varying, [steady, steady, -steady])
        assert seeds.pooled_freedom == 0
        assert seeds.variance == pytest.approx(of(varying, -varying).variance)
        # The other way round they are: their variance is overstated, if at all.
        assert of(steady, -steady, [varying, -varying]).pooled_freedom == 4


@pytest.mark.parametrize("own, rest, freedom", [(0.0, 3.0, 4), (1.0, 0.0, 4), (1.0, 0.0, 0)])
def test_there_is_nothing_to_pool_without_variance_on_both_sides(own, rest, freedom):
    assert pool(own, 2, rest, freedom) == (own / 2, 0)


def test_however_many_others_count_for_four_degrees_of_freedom():
    # Mean squares 3 of 2 degrees of freedom and 4 of 100, which count as 4: (6 + 16) / 6.
    assert pool(6.0, 2, 400.0, 100) == (pytest.approx(22 / 6), 4)
    assert pool(3.0, 1, 400.0, 100) == (3, 0)


def test_no_query_component_is_below_zero():
    noise = np.random.default_rng(3).normal(size=(2, 3, 50))
    for seed in range(20):
        better, than = np.random.default_rng(seed).permuted(noise, axis=2)
        between, interaction = query_variance(better, than, paired=True)
        assert between >= 0 and interaction > 0


def test_a_plan_divides_the_components():
    reference = Components(0.09, 0.001, 0.04, paired=False).reference(queries=300, seeds=5)
    (of_queries, first), (of_seeds, second) = reference.parts
    assert of_queries == pytest.approx(0.09 / 300) and first == 299
    assert of_seeds == pytest.approx(0.001 / 5 + 0.04 / 1500) and second == 7
    assert Components(0.09, 0.001, 0.04, pooled_freedom=4).reference(300, 5).parts[1][1] == 8
