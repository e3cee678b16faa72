"""Comparisons of two recipes: as known tests where there are some, and with few, missing or equal seeds."""

from math import isnan

import numpy as np
import pytest
from scipy import stats

from sirbench.evaluation.claims.inference import compare
from sirbench.evaluation.claims.measured import Measured
from sirbench.evaluation.claims.reference import SMALLEST_P
from sirbench.machine.errors import InputError
from tests.evaluation.claims.made import measured, nothing, study


@pytest.fixture
def pair():
    better, than = study(np.random.default_rng(0), shift=0.05)
    return better, than


def test_seeds_that_change_nothing_leave_the_paired_t_test_over_queries(pair):
    better, than = (np.repeat(values[:1], 3, axis=0) for values in pair)
    effect = compare(measured("v4", better), measured("v0", than)).effect
    test = stats.ttest_rel(better[0], than[0])
    assert effect.p_value == pytest.approx(test.pvalue)
    assert effect.interval == pytest.approx(tuple(test.confidence_interval()))
    assert effect.degrees_of_freedom == pytest.approx(199)
    assert effect.sd_seeds == 0


def test_queries_that_all_differ_alike_leave_the_t_test_over_seeds(pair):
    than = pair[1]
    differences = np.array([0.01, 0.04, 0.02])
    effect = compare(measured("v4", than + differences[:, None]), measured("v0", than)).effect
    test = stats.ttest_1samp(differences, 0)
    assert effect.p_value == pytest.approx(test.pvalue)
    assert effect.interval == pytest.approx(tuple(test.confidence_interval()))
    assert effect.sd_seeds == pytest.approx(differences.std(ddof=1))


@pytest.mark.filterwarnings("ignore:Precision loss")
def test_independent_seeds_on_queries_alike_leave_welchs_test():
    query = np.linspace(0, 1, 20)
    better, than = np.array([0.1, 0.3, 0.2]), np.array([0.0, 0.15])
    effect = compare(measured("v4", better[:, None] + query), measured("v0", than[:, None] + query)).effect
    test = stats.ttest_ind(better, than, equal_var=False)
    assert effect.p_value == pytest.approx(test.pvalue)
    assert effect.degrees_of_freedom == pytest.approx(test.df)


def test_a_comparison_counts_and_names_what_it_is_of(pair):
    comparison = compare(measured("v4", pair[0]), measured("v0", pair[1]))
    assert comparison.effect.estimate == pytest.approx(pair[0].mean() - pair[1].mean())
    assert comparison.baseline == pytest.approx(pair[1].mean())
    assert (comparison.queries, comparison.seeds_better, comparison.seeds_than) == (200, 3, 3)
    assert comparison.p_paired_t == pytest.approx(stats.ttest_rel(pair[0].mean(0), pair[1].mean(0)).pvalue)
    assert comparison.analysis == "paired seeds" and comparison.remarks == ()


def test_the_other_way_round_is_the_same_difference(pair):
    first, second = measured("v4", pair[0]), measured("v0", pair[1])
    there, back = compare(first, second).effect, compare(second, first).effect
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert there.p_value == pytest.approx(back.p_value)


def test_order_of_queries_and_seeds_does_not_matter(pair):
    first, second = measured("v4", pair[0]), measured("v0", pair[1])
    shuffled = Measured("v0", second.values.iloc[::-1, ::-1])
    assert compare(first, shuffled).effect.interval == pytest.approx(compare(first, second).effect.interval)


def test_a_missing_seed_leaves_seeds_unpaired_and_none_unused(pair):
    first = measured("v4", pair[0])
    second = measured("v0", pair[1][:2], seeds=[1, 2], absent={3: "the loss is NaN"})
    comparison = compare(first, second)
    assert (comparison.seeds_better, comparison.seeds_than) == (3, 2)
    assert comparison.effect.estimate == pytest.approx(pair[0].mean() - pair[1][:2].mean())
    assert comparison.analysis == "independent seeds"
    assert comparison.remarks == ("v0: 2 of 3 seeds converged (seed 3: the loss is NaN)",)


def test_seeds_with_other_numbers_or_declared_independent_are_no_pairs(pair):
    first = measured("v4", pair[0])
    assert compare(first, measured("v0", pair[1], seeds=[4, 5, 6])).analysis == "independent seeds"
    same = compare(first, measured("v0", pair[1]), seeds="independent")
    assert same.analysis == "independent seeds"
    assert same.effect.interval == compare(first, measured("v0", pair[1], seeds=[4, 5, 6])).effect.interval


def test_other_recipes_help_where_they_have_the_same_seeds():
    values = study(np.random.default_rng(0), recipes=5)
    first, second, *others = (measured(f"v{i}", table) for i, table in enumerate(values))
    alone, helped = compare(first, second), compare(first, second, others=others)
    assert helped.analysis == (
        "paired seeds, variance of seeds pooled (4 degrees of freedom of other recipes)"
    )
    assert helped.effect.estimate == alone.effect.estimate
    assert helped.effect.degrees_of_freedom > alone.effect.degrees_of_freedom
    other_seeds = [measured(f"w{i}", table, seeds=[7, 8, 9]) for i, table in enumerate(values[2:])]
    assert compare(first, second, others=other_seeds).effect == alone.effect


@pytest.mark.parametrize("rows", [1, 3])
def test_one_seed_gives_the_paired_t_test_and_no_more(pair, rows):
    comparison = compare(measured("v4", pair[0][:rows]), measured("v0", pair[1][:1]))
    assert comparison.effect.estimate == pytest.approx(pair[0][:rows].mean() - pair[1][0].mean())
    assert isnan(comparison.effect.p_value) and isnan(comparison.effect.sd_seeds)
    assert all(isnan(bound) for bound in comparison.effect.interval)
    assert comparison.p_paired_t == pytest.approx(stats.ttest_rel(pair[0][:rows].mean(0), pair[1][0]).pvalue)
    assert comparison.analysis == ""


def test_a_recipe_without_a_model_leaves_nothing_to_compare(pair):
    comparison = compare(measured("v4", pair[0]), nothing("v0", {1: "NaN", 2: "NaN"}))
    assert isnan(comparison.effect.estimate) and isnan(comparison.p_paired_t)
    assert (comparison.seeds_better, comparison.seeds_than) == (3, 0)
    assert comparison.remarks == ("v0: 0 of 2 seeds converged (seed 1: NaN; seed 2: NaN)",)


def test_a_recipe_and_itself_do_not_differ(pair):
    comparison = compare(measured("v4", pair[0]), measured("again", pair[0]))
    assert comparison.effect.estimate == 0 and comparison.effect.p_value == 1
    assert comparison.effect.interval == (0, 0)
    assert comparison.p_paired_t == 1


@pytest.mark.filterwarnings("ignore:Precision loss")
def test_a_constant_difference_is_certain_and_rounding_is_none(pair):
    effect = compare(measured("v4", pair[0] + 0.25), measured("v0", pair[0])).effect
    assert effect.estimate == pytest.approx(0.25)
    assert effect.standard_error == 0 and effect.p_value == SMALLEST_P
    rounding = compare(measured("v4", pair[0] + 1e-15), measured("v0", pair[0])).effect
    assert rounding.estimate == 0 and rounding.p_value == 1


def test_others_on_other_queries_are_refused(pair):
    with pytest.raises(InputError, match="v4 and v9 are measured on different queries"):
        compare(measured("v4", pair[0]), measured("v0", pair[1]), others=[measured("v9", pair[0][:, 1:])])
