"""Power against statsmodels where both know the answer, and against its own definition elsewhere."""

import pytest
from statsmodels.stats.power import TTestPower

from sirbench.evaluation.claims.power import (
    POWER,
    detectable_difference,
    difference_detectable_by_paired_t,
    power_of_difference,
    power_of_equality,
    power_of_paired_t,
    provable_margin,
    queries_needed,
    queries_needed_by_paired_t,
    seeds_needed,
)
from sirbench.evaluation.claims.reference import Reference
from sirbench.evaluation.claims.variance import Components

COMPONENTS = Components(queries=0.09, seeds=0.0009, interaction=0.09)


@pytest.mark.parametrize("queries", [50, 5193])
def test_the_papers_test_has_the_power_of_a_paired_t_test(queries):
    expected = TTestPower().power(0.003 / 0.19, queries, 0.05, alternative="two-sided")
    # The other side, which counts there and not here, is at most a few thousandths.
    assert power_of_paired_t(0.003, 0.19, queries) == pytest.approx(expected, abs=0.025)
    larger = TTestPower().power(0.1 / 0.19, queries, 0.025, alternative="larger")
    assert power_of_paired_t(-0.1, 0.19, queries) == pytest.approx(larger)


def test_the_paper_could_hardly_find_its_difference_of_v4_and_v3():
    assert power_of_paired_t(0.003, 0.19, 5193) == pytest.approx(0.206, abs=0.002)
    smallest = difference_detectable_by_paired_t(0.19, 5193)
    assert smallest == pytest.approx((1.96 + 0.8416) * 0.19 / 5193**0.5, rel=1e-3)
    needed = queries_needed_by_paired_t(0.003, 0.19)
    assert needed == pytest.approx(((1.96 + 0.8416) * 0.19 / 0.003) ** 2, rel=1e-3)
    assert power_of_paired_t(0.003, 0.19, needed) >= POWER > power_of_paired_t(0.003, 0.19, needed - 1)


def test_known_variance_has_the_power_of_students_t():
    """With chance in seeds only, the test is a one-sample t-test over the seeds."""
    reference = Reference(((0.0, 1000), (0.04 / 6, 5)))
    expected = TTestPower().power(0.3 / 0.2, 6, 0.025, alternative="larger")
    assert power_of_difference(reference, 0.3) == pytest.approx(expected, abs=0.003)


def test_the_smallest_difference_found_is_the_one_of_that_power():
    reference = COMPONENTS.reference(500, 3)
    smallest = detectable_difference(reference)
    assert power_of_difference(reference, smallest) == pytest.approx(POWER, abs=1e-4)
    assert power_of_difference(reference, -smallest) == power_of_difference(reference, smallest)
    margin = provable_margin(reference)
    assert power_of_equality(reference, margin) == pytest.approx(POWER, abs=1e-4)
    assert power_of_equality(reference, margin, 0.5 * margin) < POWER
    assert detectable_difference(reference, level=0.005) > smallest


def test_enough_is_the_smallest_number_that_is():
    def finds(reference):
        return power_of_difference(reference, 0.05)

    queries = queries_needed(finds, COMPONENTS, 10)
    assert finds(COMPONENTS.reference(queries, 10)) >= POWER > finds(COMPONENTS.reference(queries - 1, 10))
    seeds = seeds_needed(finds, COMPONENTS, 500)
    assert finds(COMPONENTS.reference(500, seeds)) >= POWER > finds(COMPONENTS.reference(500, seeds - 1))


def test_seeds_alone_and_queries_alone_may_never_be_enough():
    def finds(reference):
        return power_of_difference(reference, 0.02)

    assert queries_needed(finds, COMPONENTS, 3) is None  # .03 between seeds, of three
    assert seeds_needed(finds, COMPONENTS, 500) is None  # .3 between queries, of 500
    assert queries_needed(lambda reference: power_of_equality(reference, 0.02), COMPONENTS, 3) is None


def test_without_variance_everything_is_found():
    certain = Components(0.0, 0.0, 0.0).reference(100, 3)
    assert power_of_difference(certain, 0.001) == 1 and power_of_difference(certain, 0) == 0
    assert power_of_equality(certain, 0.01) == 1 and power_of_equality(certain, 0.01, 0.02) == 0
    assert detectable_difference(certain) == 0 and provable_margin(certain) == 0
    assert power_of_paired_t(0.1, 0, 100) == 1 and difference_detectable_by_paired_t(0, 100) == 0
    assert queries_needed_by_paired_t(0.0, 0.19) is None
