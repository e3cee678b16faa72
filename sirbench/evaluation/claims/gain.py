"""A recipe's gain over its baseline, absolute and relative, as tables and figures show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isnan, nan

from sirbench.evaluation.claims.inference import aligned, compare, estimate, estimate_of_models
from sirbench.evaluation.claims.measured import Measured
from sirbench.evaluation.claims.reference import root

NO_INTERVAL = (nan, nan)
FIRST_STEP, LAST_STEP = 1e-3, 1e3
"""Of the search for the ends of a relative gain's interval: 0.1 %, and a thousand times the baseline."""


@dataclass(frozen=True)
class Gain:
    """How much better a recipe is than its baseline on the same queries.

    Attributes:
        absolute: the difference of their means.
        interval: its 95 % interval, that of `inference.compare`.
        relative: the difference over the baseline's mean, nan where that is 0 (relative improvement in
            T. Breuer et al., How to measure the reproducibility of system-oriented IR experiments, SIGIR
            2020).
        relative_interval: its 95 % interval.
        over: what both intervals generalise over: "queries and seeds", "queries", or nothing.
        p_paired_t: of the paper's test, which is about these trained models.
        of_seeds: by seed, the difference where both have a model of this seed.
    """

    absolute: float = nan
    interval: tuple[float, float] = NO_INTERVAL
    relative: float = nan
    relative_interval: tuple[float, float] = NO_INTERVAL
    over: str = ""
    p_paired_t: float = nan
    of_seeds: Mapping[int, float] = field(default_factory=dict)


def gain_over(baseline: Measured, recipe: Measured) -> Gain:
    """Return the gain of `recipe`; all nan where either has no model, and no interval for a single query.

    The interval of the relative gain has every r at which recipe and (1 + r) times baseline, compared as any
    two recipes are, do not differ (E. C. Fieller, Some problems in interval estimation, Journal of the Royal
    Statistical Society B 16, 1954). So it has 0 in it where the interval of the absolute gain has, and only
    there. There is none where the baseline's own mean may be 0: it would have no end.

    Raises:
        InputError: the two are about different queries.
    """
    if not (baseline.seeds and recipe.seeds):
        return Gain()
    absolute = recipe.mean - baseline.mean
    relative = absolute / baseline.mean if baseline.mean else nan
    shared = sorted(set(recipe.of_seeds.index) & set(baseline.of_seeds.index))
    of_seeds = {seed: float(recipe.of_seeds[seed] - baseline.of_seeds[seed]) for seed in shared}
    gain = Gain(absolute, relative=relative, of_seeds=of_seeds)
    if len(recipe.values.columns) < 2:
        return gain
    comparison = compare(recipe, baseline)
    return replace(
        gain,
        absolute=comparison.effect.estimate,
        interval=comparison.interval,
        relative_interval=_relative_interval(baseline, recipe, relative),
        over=comparison.generalises_over,
        p_paired_t=comparison.p_paired_t,
    )


def _relative_interval(baseline: Measured, recipe: Measured, relative: float) -> tuple[float, float]:
    """Outwards from the estimate, to where the difference is as large as half of its interval."""
    if isnan(relative):
        return NO_INTERVAL
    first, second, paired = aligned(recipe, baseline)
    several = min(len(first), len(second)) > 1

    def inside(r: float) -> float:
        """Above 0 where (1 + r) times the baseline does not differ from the recipe."""
        scaled = (1 + r) * second
        effect = estimate(first, scaled, paired=paired) if several else estimate_of_models(first, scaled)
        low, high = effect.interval
        return (high - low) / 2 - abs(effect.estimate)

    low, high = (_end(inside, relative, direction) for direction in (-1, 1))
    return NO_INTERVAL if isnan(low + high) else (low, high)


def _end(inside: Callable[[float], float], start: float, direction: int) -> float:
    """Where `inside` becomes negative in this direction; nan where it does not."""
    step = FIRST_STEP
    while inside(start + direction * step) >= 0:
        step *= 2
        if step > LAST_STEP:
            return nan
    return root(inside, start, start + direction * step, 1e-9)
