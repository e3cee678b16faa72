"""Choosing the best of several options: by mean, with its lead, and no option that diverged."""

from math import isnan

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sirbench.evaluation.choosing import OVER_BOTH, OVER_QUERIES, choose
from sirbench.evaluation.claims.inference import compare
from sirbench.evaluation.claims.measured import Measured
from sirbench.machine.errors import InputError

QUERIES = [f"q{number}" for number in range(40)]


def option(mean, seeds=(1, 2, 3), absent=(), draw=0):
    """An option measured in so many seeds; the values of a seed are around the mean."""
    values = np.random.default_rng([draw, int(1000 * mean)]).normal(mean, 0.1, (len(seeds), len(QUERIES)))
    return Measured(
        str(mean), pd.DataFrame(values, index=list(seeds), columns=QUERIES), dict.fromkeys(absent, "NaN")
    )


def test_the_highest_mean_is_chosen_and_compared_with_the_next():
    options = {"a": option(0.2), "b": option(0.6), "c": option(0.5)}
    chosen = choose(options)
    assert chosen.option == "b"
    assert chosen.means == {
        name: pytest.approx(one.values.to_numpy().mean()) for name, one in options.items()
    }
    effect = compare(options["b"], options["c"]).effect
    assert chosen.lead.runner_up == "c"
    assert chosen.lead.difference == pytest.approx(chosen.means["b"] - chosen.means["c"])
    assert (chosen.lead.interval, chosen.lead.of) == (effect.interval, OVER_BOTH)


def test_of_equal_ones_the_first_is_chosen():
    one = option(0.5)
    chosen = choose({"x": option(0.1), "later": one, "last": one})
    assert (chosen.option, chosen.lead.runner_up, chosen.lead.difference) == ("later", "last", 0.0)


def test_with_one_seed_the_interval_is_over_queries_and_says_so():
    options = {"a": option(0.5, seeds=[1]), "b": option(0.55, seeds=[1])}
    lead = choose(options).lead
    differences = (options["b"].values - options["a"].values.to_numpy()).to_numpy()[0]
    expected = stats.norm(differences.mean(), differences.std(ddof=1) / np.sqrt(40)).interval(0.95)
    assert lead.of == OVER_QUERIES
    assert lead.interval == pytest.approx(expected, abs=0.01)


def test_an_option_that_diverged_in_any_seed_is_not_chosen_and_its_mean_is_of_the_others():
    chosen = choose({"a": option(0.4), "b": option(0.9, seeds=[1, 3], absent=[2]), "c": option(0.3)})
    assert (chosen.option, chosen.lead.runner_up) == ("a", "c")
    assert chosen.means["b"] == pytest.approx(0.9, abs=0.1)


def test_where_every_option_diverged_nothing_is_chosen():
    nothing = Measured("x", pd.DataFrame(), {1: "NaN"})
    chosen = choose({"a": nothing, "b": option(0.9, seeds=[1], absent=[2])})
    assert chosen.option is None and chosen.lead is None and isnan(chosen.means["a"])


def test_the_only_one_that_converged_is_ahead_of_nothing():
    chosen = choose({"a": option(0.2), "b": option(0.9, seeds=[1, 3], absent=[2])})
    assert chosen.option == "a" and chosen.lead is None


def test_options_that_were_measured_on_other_queries():
    other = Measured("x", option(0.3).values.rename(columns={"q0": "another"}))
    with pytest.raises(InputError, match="different queries"):
        choose({"a": option(0.2), "b": other})
