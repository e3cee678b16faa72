"""Correlations between and within recipes, against scipy, statsmodels and values worked out by hand."""

from math import atanh, isnan, sqrt, tanh

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from sirbench.evaluation.association import UNKNOWN, between_groups, within_groups


def series(*values):
    return pd.Series(values, dtype="float64")


GROUPS = pd.Series(["a", "a", "b", "b", "c", "c", "d", "d"])


def test_between_groups_it_is_the_rank_correlation_of_their_means():
    first = series(1, 3, 4, 4, 5, 7, 9, 9)  # means 2, 4, 6, 9
    second = series(0, 2, 5, 5, 2, 4, 10, 10)  # means 1, 5, 3, 10: ranks 1, 3, 2, 4
    found = between_groups(first, second, GROUPS)
    expected = 1 - 6 * 2 / (4 * 15)  # two ranks are off by one
    assert found.value == pytest.approx(expected)
    reach = 1.96 * sqrt((1 + expected**2 / 2) / 1)
    assert found.low == pytest.approx(tanh(atanh(expected) - reach), abs=1e-4)
    assert found.high == pytest.approx(tanh(atanh(expected) + reach), abs=1e-4)


def test_within_groups_it_is_that_of_an_analysis_of_covariance():
    """Bakdash and Marusich: the root of SS(x) / (SS(x) + SS(error)), with the sign of the slope."""
    draw = np.random.default_rng(2)
    groups = pd.Series(np.repeat(list("abcde"), 3))
    first = pd.Series(draw.normal(size=15)) + groups.map(dict(zip("abcde", range(5), strict=True))) * 10
    second = pd.Series(draw.normal(size=15)) - 0.7 * (first % 10)
    found = within_groups(first, second, groups)
    lines = pd.DataFrame({"first": first, "second": second, "group": groups})
    model = smf.ols("second ~ C(group) + first", lines).fit()
    without = smf.ols("second ~ C(group)", lines).fit()
    explained = without.ssr - model.ssr
    expected = np.sign(model.params["first"]) * sqrt(explained / (explained + model.ssr))
    assert found.value == pytest.approx(expected)
    # 15 values, 5 groups, a slope: 9 degrees of freedom, as many as 11 pairs have.
    assert atanh(found.high) - atanh(found.value) == pytest.approx(1.959964 / sqrt(11 - 3), rel=1e-5)


def test_what_groups_have_in_common_is_not_what_divides_them():
    """From group to group both rise; within each, one falls while the other rises."""
    first = series(1, 2, 11, 12, 21, 22, 31, 32)
    second = series(2, 1, 12, 11, 22, 21, 32, 31)
    assert between_groups(first, second, GROUPS).value == pytest.approx(1)
    assert within_groups(first, second, GROUPS) == pytest.approx((-1, -1, -1))


@pytest.mark.parametrize("values", [[1] * 8, [float("nan")] * 8])
def test_what_does_not_vary_or_is_not_there_has_no_correlation(values):
    other = series(*range(8))
    for found in (
        between_groups(series(*values), other, GROUPS),
        within_groups(other, series(*values), GROUPS),
    ):
        assert all(map(isnan, found))


def test_three_groups_say_nothing_and_neither_do_seeds_that_are_too_few():
    some = pd.Series(["a", "b", "c"])
    assert between_groups(series(1, 2, 3), series(1, 3, 2), some) == pytest.approx(UNKNOWN, nan_ok=True)
    assert within_groups(series(1, 2, 3), series(1, 3, 2), some) == pytest.approx(UNKNOWN, nan_ok=True)


def test_intervals_hold_the_true_value_about_as_often_as_they_say():
    """Cells of 13 recipes and 3 seeds that go together by .6 between recipes and by -.4 within them."""
    draw = np.random.default_rng(3)
    groups = pd.Series(np.repeat(range(13), 3))
    true = {"between": 6 / np.pi * np.arcsin(0.6 / 2), "within": -0.4}  # Spearman's of a normal one of .6
    held = {"between": 0, "within": 0}
    for _ in range(400):
        means = draw.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=13)
        cells = draw.multivariate_normal([0, 0], [[1, -0.4], [-0.4, 1]], size=39)
        cells -= cells.reshape(13, 3, 2).mean(axis=1).repeat(3, axis=0)  # leaves the means as they are
        first, second = (pd.Series(it) for it in (means.repeat(3, axis=0) + cells).T)
        for name, found in (
            ("between", between_groups(first, second, groups)),
            ("within", within_groups(first, second, groups)),
        ):
            held[name] += found.low <= true[name] <= found.high
    for name, times in held.items():
        assert 0.91 <= times / 400 <= 0.99, name
