"""A recipe's gain over its baseline, absolute and relative, as tables and figures show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import nan

from sirbench.evaluation.claims.inference import compare
from sirbench.evaluation.claims.measured import Measured

NO_INTERVAL = (nan, nan)


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

    The interval of the relative gain r is by linearisation (the delta method): r + 1 is the ratio of two
    means, and varies as the difference between the recipe and r + 1 times the baseline does, over the
    baseline's mean. That difference is compared as any other, over queries and seeds. It needs a baseline
    whose mean is many standard errors from 0, as means of rankings are.

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
    if not baseline.mean:
        return NO_INTERVAL
    low, high = compare(recipe, replace(baseline, values=baseline.values * (1 + relative))).interval
    half = (high - low) / 2 / baseline.mean
    return relative - half, relative + half
