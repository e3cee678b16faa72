"""Power: which differences a number of queries and seeds can show, and how many would show a given one.

The components of variance are taken as known, the variance between seeds as estimated anew in each
repetition: with f degrees of freedom it is its expectation times X/f, X chi-squared. What is computed is the
probability that the claim is *supported*, so that a significant difference of the wrong sign does not count.
"""

from collections.abc import Callable
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, stdtrit

from sirbench.evaluation.claims.inference import LEVEL
from sirbench.evaluation.claims.reference import Reference, root
from sirbench.evaluation.claims.variance import Components

POWER = 0.8
"""The power that is asked for, as is customary."""
MOST_QUERIES = 10_000_000
MOST_SEEDS = 1000
"""Beyond these nobody goes: no number is given instead."""
QUANTILES = 200
"""Of the estimated variance between seeds, in place of an integral."""

Array = NDArray[np.float64]


def power_of_difference(reference: Reference, difference: float, level: float = LEVEL) -> float:
    """Return the probability that the two-sided test finds a true `difference`, with its sign.

    Args:
        reference: the variances that are expected, queries first, seeds second (`Components.reference`).
        difference: the true one; its size matters, not its sign.
        level: of the test.
    """
    half_widths, error = _half_widths(reference, level)
    if not error:
        return float(difference != 0)
    return float(ndtr((abs(difference) - half_widths) / error).mean())


def power_of_equality(
    reference: Reference, margin: float, difference: float = 0.0, level: float = LEVEL
) -> float:
    """Return the probability that two one-sided tests find a true `difference` to be within the margin."""
    half_widths, error = _half_widths(reference, 2 * level)
    if not error:
        return float(abs(difference) < margin)
    room = margin - half_widths
    inside = ndtr((room - difference) / error) - ndtr((-room - difference) / error)
    return float(np.where(room > 0, inside, 0.0).mean())


def detectable_difference(reference: Reference, level: float = LEVEL, power: float = POWER) -> float:
    """Return the smallest true difference that the test finds with this power."""
    return _smallest(lambda size: power_of_difference(reference, size, level), reference, power)


def provable_margin(reference: Reference, level: float = LEVEL, power: float = POWER) -> float:
    """Return the smallest margin within which equal recipes are found to be equal with this power."""
    return _smallest(lambda size: power_of_equality(reference, size, level=level), reference, power)


def queries_needed(finds: Callable[[Reference], float], components: Components, seeds: float) -> int | None:
    """Return how many queries with so many seeds of each recipe give the power POWER; None: no number does.

    Args:
        finds: the power under a reference, e.g. ``lambda reference: power_of_difference(reference, 0.003)``.
        components: variance components of the difference.
        seeds: of each recipe, two or more.
    """
    return _first(lambda queries: finds(components.reference(queries, seeds)) >= POWER, MOST_QUERIES)


def seeds_needed(finds: Callable[[Reference], float], components: Components, queries: int) -> int | None:
    """Return how many seeds of each recipe on so many queries give the power POWER; None: no number does."""
    return _first(lambda seeds: finds(components.reference(queries, seeds)) >= POWER, MOST_SEEDS)


def power_of_paired_t(difference: float, sd: float, queries: int, level: float = LEVEL) -> float:
    """Return the power of the paper's test: paired over queries, `sd` of the per-query differences.

    It is exact for normal differences (non-central t), and counts the right sign only. Nothing in it is about
    seeds.
    """
    if not sd:
        return float(difference != 0)
    from scipy.stats import nct  # as slow to import as scipy.optimize

    critical = -stdtrit(queries - 1, level / 2)
    return float(nct.sf(critical, queries - 1, abs(difference) / sd * sqrt(queries)))


def queries_needed_by_paired_t(difference: float, sd: float, level: float = LEVEL) -> int | None:
    """Return how many queries give the paper's test the power POWER; None: no number does."""
    return _first(lambda queries: power_of_paired_t(difference, sd, queries, level) >= POWER, MOST_QUERIES)


def difference_detectable_by_paired_t(sd: float, queries: int, level: float = LEVEL) -> float:
    """Return the smallest true difference that the paper's test finds with the power POWER."""
    scale = sd / sqrt(queries)
    if not scale:
        return 0.0
    found = root(lambda size: power_of_paired_t(size * scale, sd, queries, level) - POWER, 0, 1000, 2e-12)
    return scale * found


def _half_widths(reference: Reference, level: float) -> tuple[Array, float]:
    """Half-widths of the interval for equally probable estimates of v_seeds, and the true standard error."""
    (fixed, queries_freedom), (seeds, freedom) = reference.parts
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    varying = seeds * chdtri(freedom, middles) / freedom
    variance = fixed + varying
    weighted = -(fixed * stdtrit(queries_freedom, level / 2) + varying * stdtrit(freedom, level / 2))
    with np.errstate(invalid="ignore"):
        return np.where(variance > 0, weighted / np.sqrt(variance), 0.0), reference.standard_error


def _smallest(power_at: Callable[[float], float], reference: Reference, power: float) -> float:
    error = reference.standard_error
    if not error:
        return 0.0
    return error * root(lambda size: power_at(size * error) - power, 0, 1e9, 1e-6)


def _first(enough: Callable[[int], bool], most: int) -> int | None:
    """The smallest number from 2 on that is enough, found by doubling and halving."""
    high = 2
    while not enough(high):
        high *= 2
        if high > most:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
