"""Cochran's weighted quantile against Student's t, and its p-value against its interval."""

import pytest
from scipy import stats

from sirbench.evaluation.claims.reference import SMALLEST_P, Reference


@pytest.mark.parametrize("freedom", [1, 2, 7, 199])
def test_one_variance_gives_students_t(freedom):
    reference = Reference(((0.04, freedom), (0.0, 3)))
    assert reference.standard_error == pytest.approx(0.2)
    assert reference.critical(0.05) == pytest.approx(stats.t.ppf(0.975, freedom))
    assert reference.p_value(-0.5) == pytest.approx(2 * stats.t.sf(2.5, freedom))
    assert reference.degrees_of_freedom == pytest.approx(freedom)


def test_the_quantiles_are_weighted_by_the_variances():
    reference = Reference(((0.01, 100), (0.03, 2)))
    # (0.01 x 1.98397 + 0.03 x 4.30265) / 0.04, from a table of Student's t
    assert reference.critical(0.05) == pytest.approx(3.722980, abs=1e-5)
    assert reference.half_width(0.05) == pytest.approx(0.2 * 3.722980, abs=1e-5)
    assert 2 < reference.degrees_of_freedom < 3
    assert stats.t.ppf(0.975, reference.degrees_of_freedom) == pytest.approx(3.722980, abs=1e-5)


@pytest.mark.parametrize("level", [0.9, 0.05, 1e-3, 1e-9])
def test_test_and_interval_agree_at_every_level(level):
    reference = Reference(((0.01, 57), (0.003, 2)))
    assert reference.p_value(reference.half_width(level)) == pytest.approx(level, rel=1e-6)


def test_without_variance_only_no_difference_is_probable():
    reference = Reference(((0.0, 9), (0.0, 2)))
    assert reference.half_width(0.05) == 0
    assert reference.p_value(0.0) == 1
    assert reference.p_value(0.001) == SMALLEST_P
    assert reference.degrees_of_freedom == float("inf")
