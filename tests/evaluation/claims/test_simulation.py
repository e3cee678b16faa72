"""The tests of claims keep their word where the truth is known; all of it is `python -m benchmarks.claims`.

Draws have fixed seeds. A share around .05 has a standard error of .008; the limits are those of the claims.
"""

import pytest

from benchmarks.claims import (
    SCENARIOS,
    SEEDS,
    markdown,
    simulate,
    simulate_equality,
    table_of_paper,
)

REPETITIONS = 800
CHECKED = (
    "mostly seeds",
    "one recipe against itself",
    "seeds differ within queries only",
    "reciprocal ranks, mostly seeds",
    "independent seeds, mostly seeds",
    "table of 8, these vary twice as much",
)


def scenario(name):
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("name", CHECKED)
def test_claims_without_a_difference_are_rare_and_intervals_contain_the_truth(name, seeds):
    rates = simulate(scenario(name), seeds, REPETITIONS)
    assert rates.false_claims < 0.07
    assert 0.92 < rates.coverage < 0.98
    if "table" not in name:  # no plan counts on other recipes' seeds
        assert rates.power == pytest.approx(rates.predicted, abs=0.05)


def test_the_papers_test_calls_a_recipe_different_from_itself():
    rates = simulate(scenario("mostly seeds"), 3, 400, bootstrapped=200)
    assert rates.paired_t > 0.4
    assert rates.bootstrap > 0.1
    assert rates.satterthwaite > rates.false_claims


@pytest.mark.parametrize("seeds", [3, 10])
def test_equality_is_rarely_found_at_the_margin_and_as_often_as_planned_without_a_difference(seeds):
    false, power, predicted = simulate_equality(scenario("queries and seeds"), seeds, REPETITIONS)
    assert false < 0.07
    assert power == pytest.approx(predicted, abs=0.05)


def test_the_benchmark_prints_tables():
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert table_of_paper().splitlines()[2].startswith("| V4 - V3 | 0.003 | 0.19 | 0.21 | 0.0074 | 31,4")
