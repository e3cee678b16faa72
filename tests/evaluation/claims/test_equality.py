"""Margins, and two one-sided tests against intervals and against statsmodels."""

from math import isnan, nan

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from sirbench.evaluation.claims.equality import Margin, p_above, p_different, p_equal
from sirbench.evaluation.claims.inference import Effect, compare
from sirbench.evaluation.claims.reference import Reference
from sirbench.machine.errors import InputError
from tests.evaluation.claims.made import measured, study

EFFECT = Effect(0.01, Reference(((0.0001, 80), (0.00005, 2))))


def test_a_margin_is_absolute_or_relative_to_the_baseline():
    assert Margin(0.005, "absolute").of(0.4) == 0.005
    assert Margin(0.02, "relative").of(0.4) == pytest.approx(0.008)
    assert str(Margin(0.005, "absolute")) == "0.005" and str(Margin(0.02, "relative")) == "2 %"


@pytest.mark.parametrize(
    "value, unit",
    [(0, "absolute"), (-0.1, "relative"), (nan, "absolute"), (float("inf"), "absolute"), (0.1, "")],
)
def test_a_margin_without_size_or_unit_is_refused(value, unit):
    with pytest.raises(InputError, match="margin"):
        Margin(value, unit)


def test_a_relative_margin_needs_a_baseline_above_zero():
    with pytest.raises(InputError, match="a margin of 2 % needs a baseline whose mean is above 0"):
        Margin(0.02, "relative").of(0.0)


def test_equality_is_what_two_one_sided_tests_say():
    better, than = study(np.random.default_rng(0), of_queries=0.05)
    better, than = (np.repeat(values[:1], 3, axis=0) for values in (better, than))
    effect = compare(measured("v4", better), measured("v0", than)).effect
    for margin in (0.001, 0.05, 0.08):
        expected = ttost_paired(better[0], than[0], -margin, margin)[0]
        assert p_equal(effect, margin) == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.05, 0.01])
def test_equality_agrees_with_the_interval_of_confidence_one_less_twice_the_level(level):
    reaches = EFFECT.estimate + EFFECT.reference.half_width(2 * level)
    assert p_equal(EFFECT, reaches * 1.001) < level < p_equal(EFFECT, reaches * 0.999)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_beyond_the_margin_agrees_with_the_interval(sign):
    effect = Effect(sign * 0.2, EFFECT.reference)
    nearest = 0.2 - EFFECT.reference.half_width(0.05)
    assert nearest > 0
    assert p_different(effect, nearest * 0.999) < 0.05 < p_different(effect, nearest * 1.001)
    assert p_different(effect, 0.3) == 1 and p_equal(effect, 0.1) > 0.9


def test_one_sided_tests_of_both_sides_add_up():
    assert p_above(EFFECT, 0.03) + p_above(Effect(-0.01, EFFECT.reference), -0.03) == pytest.approx(1)
    assert p_above(EFFECT, 0.01) == 0.5


def test_without_seeds_there_is_no_test():
    assert isnan(p_equal(Effect(0.01), 0.1)) and isnan(p_different(Effect(0.01), 0.1))
