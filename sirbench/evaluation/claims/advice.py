"""What an undecided claim would take, in words: how many queries or seeds, and what those at hand can show.

It is a plan for another study, made from components of variance that were estimated from few seeds, so its
numbers are rough. Where other recipes' seeds helped at hand, the plan counts on their help again. What the
measured difference needs says nothing about this study that its p-value does not (J. M. Hoenig and
D. M. Heisey, The abuse of power, American Statistician 55, 2001).
"""

from collections.abc import Callable

from sirbench.evaluation.claims.inference import Comparison
from sirbench.evaluation.claims.power import (
    POWER,
    detectable_difference,
    power_of_difference,
    power_of_equality,
    provable_margin,
    queries_needed,
    seeds_needed,
)
from sirbench.evaluation.claims.reference import Reference
from sirbench.evaluation.claims.variance import Components


def advice_on_difference(comparison: Comparison, level: float, effect_of_paper: float | None = None) -> str:
    """Say which differences so many queries and seeds can show, and what a difference like the paper's needs.

    Without a difference of the paper it is the measured one.

    Args:
        comparison: of two recipes with two or more seeds each.
        level: of the test.
        effect_of_paper: the difference that the paper prints.
    """
    at_hand, estimate = _at_hand(comparison), comparison.effect.estimate
    if not at_hand.variance:
        return "the two have the same values: there is nothing to decide"
    words = f"power {POWER} for differences from {_number(detectable_difference(at_hand, level))} on"
    size, origin = abs(estimate), "as measured"
    if effect_of_paper:
        size, origin = abs(effect_of_paper), "the paper's"
    if not size:
        return words
    if power_of_difference(at_hand, size, level) >= POWER:
        return f"{words}; one of {_number(size)}, {origin}, is among them"
    needs = _needs(comparison, lambda planned: power_of_difference(planned, size, level))
    return f"{words}; one of {_number(size)}, {origin}, needs {needs}"


def advice_on_equality(comparison: Comparison, level: float, margin: float) -> str:
    """Say within which margin equality can be shown by so many queries and seeds, and what `margin` needs."""
    at_hand = _at_hand(comparison)
    if not at_hand.variance:
        return "the difference is the margin, without any variance: there is nothing to decide"
    provable = provable_margin(at_hand, level)
    words = f"power {POWER} for equality within {_number(provable)}, if there is no difference"
    if provable <= margin:
        return f"{words}; so there may be one"
    needs = _needs(comparison, lambda planned: power_of_equality(planned, margin, level=level))
    return f"{words}; within {_number(margin)} it needs {needs}"


def _at_hand(comparison: Comparison) -> Reference:
    return _components(comparison).reference(comparison.queries, _seeds(comparison))


def _needs(comparison: Comparison, finds: Callable[[Reference], float]) -> str:
    """Queries with the seeds there are, or seeds with the queries there are."""
    first, second, queries = comparison.seeds_better, comparison.seeds_than, comparison.queries
    more_queries = queries_needed(finds, _components(comparison), _seeds(comparison))
    more_seeds = seeds_needed(finds, _components(comparison), queries)
    same_seeds = f"with {first} seeds" if first == second else f"with {first} and {second} seeds"
    ways = []
    if more_queries:
        ways.append(f"{more_queries:,} queries {same_seeds}")
    if more_seeds:
        ways.append(f"{more_seeds:,} seeds on {queries:,} queries")
    return " or ".join(ways) or f"more of both: no number of queries {same_seeds} is enough, nor seeds alone"


def _components(comparison: Comparison) -> Components:
    components = comparison.effect.components
    assert components is not None
    return components


def _seeds(comparison: Comparison) -> float:
    """Seeds of each recipe; of unequal numbers that whose mean varies as much as theirs."""
    return 2 / (1 / comparison.seeds_better + 1 / comparison.seeds_than)


def _number(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0995 else f"{value:.2g}"
