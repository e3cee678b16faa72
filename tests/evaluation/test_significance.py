"""Intervals, paired tests and Holm's correction, against values worked out by hand."""

from math import isnan, nan, pi, sqrt

import numpy as np
import pandas as pd
import pytest

from sirbench.evaluation.significance import bootstrap_interval, holm, paired_t_test, t_interval


def series(values):
    return pd.Series(values, index=[f"q{i}" for i in range(len(values))], dtype="float64")


# --- intervals ------------------------------------------------------------------------------------------


def test_the_interval_of_zeros_and_ones_is_the_binomials():
    """Means of resamples of 50 ones among 100 are Binomial(100, 1/2) / 100; its 2.5 and 97.5 % points
    are 40 and 60 (P(X <= 39) = .0176, P(X <= 40) = .0284)."""
    assert bootstrap_interval([0.0, 1.0] * 50) == (0.4, 0.6)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    """200 samples of 40 from the uniform distribution (mean 1/2): 95 % +- 3.5 standard errors of 1.5 %."""
    rng = np.random.default_rng(1)
    intervals = [bootstrap_interval(rng.random(40), resamples=500) for _ in range(200)]
    coverage = np.mean([low <= 0.5 <= high for low, high in intervals])
    assert 0.895 <= coverage <= 1.0
    narrower = [bootstrap_interval(rng.random(40), confidence=0.5, resamples=500) for _ in range(200)]
    assert 0.37 <= np.mean([low <= 0.5 <= high for low, high in narrower]) <= 0.63


def test_the_interval_is_reproducible():
    values = np.random.default_rng(2).random(30)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


def test_constant_values_have_an_interval_of_no_width():
    assert bootstrap_interval([0.25] * 8) == (0.25, 0.25)


def test_one_query_has_no_interval():
    assert all(map(isnan, bootstrap_interval([0.5])))


# --- the paired test ------------------------------------------------------------------------------------


def test_t_with_one_degree_of_freedom_by_hand():
    """Differences 1 and 3: mean 2, standard error 1, t = 2; Student's t with one degree of freedom is
    Cauchy's distribution, so p = 1 - 2 atan(2) / pi."""
    p = paired_t_test(series([1.0, 4.0]), series([0.0, 1.0]))
    assert p == pytest.approx(1 - 2 * np.arctan(2.0) / pi, rel=1e-12)


def test_t_with_two_degrees_of_freedom_by_hand():
    """With two degrees of freedom p = 1 - |t| / sqrt(2 + t^2); differences 1, 2, 6: mean 3, variance 7."""
    t = 3 / sqrt(7 / 3)
    p = paired_t_test(series([0.1, 0.1, 0.1]), series([-0.9, -1.9, -5.9]))
    assert p == pytest.approx(1 - t / sqrt(2 + t**2), rel=1e-12)


def test_the_test_is_two_sided():
    values, baseline = series([0.9, 0.2, 0.4, 1.0]), series([0.5, 0.3, 0.1, 0.2])
    assert paired_t_test(values, baseline) == pytest.approx(paired_t_test(baseline, values), rel=1e-12)


def test_no_difference_gives_one_even_through_rounding():
    values = series([0.1, 0.2, 0.3])
    assert paired_t_test(values, values) == 1.0
    assert paired_t_test(series([0.3, 0.6, 0.7]), series([0.1 + 0.2, 0.6, 0.7])) == 1.0


def test_one_query_gives_no_p_value():
    assert isnan(paired_t_test(series([1.0]), series([0.0])))


def test_other_queries_are_refused():
    with pytest.raises(ValueError, match="same queries"):
        paired_t_test(series([1.0, 0.0]), series([1.0, 0.0])[::-1])


# --- Holm -----------------------------------------------------------------------------------------------


def test_holm_by_hand():
    """Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04, made monotone: .04 .06 .06 .06."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_never_exceeds_one():
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_missing_p_values_pass_through_and_do_not_count():
    adjusted = holm([None, 0.02, nan, 0.03])
    assert adjusted[0] is None
    assert isnan(adjusted[2])
    assert [adjusted[1], adjusted[3]] == pytest.approx([0.04, 0.04])
    assert holm([None, None]) == [None, None]
    assert holm([]) == []


# --- the t-interval -------------------------------------------------------------------------------------


def test_a_t_interval_worked_out_on_paper():
    """Mean 3, standard deviation sqrt(2.5), and 2.776445 is t of 4 degrees of freedom at 97.5 %."""
    low, high = t_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (low, high) == pytest.approx((3 - 2.776445 * sqrt(0.5), 3 + 2.776445 * sqrt(0.5)), abs=1e-6)


def test_a_t_interval_of_one_query_is_none():
    assert all(map(isnan, t_interval([0.5])))


@pytest.mark.parametrize("shift", np.linspace(0.1, 0.5, 9))
def test_the_t_interval_of_differences_goes_with_the_paired_t_test(shift):
    draw = np.random.default_rng(4)
    values, baseline = series(draw.normal(shift, 1, 30)), series(np.zeros(30))
    low, high = t_interval(values - baseline)
    assert (low > 0 or high < 0) == (paired_t_test(values, baseline) < 0.05)
