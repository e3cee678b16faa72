"""Two recipes compared: the difference of their means, with interval and test over queries and seeds.

The variance of the difference is estimated as

    V = max(0, Q/n) + v_seeds

where Q/n is what other queries would change (`variance.query_variance`) and v_seeds what other seeds would
change on these queries (`variance.paired_seeds`, `variance.independent_seeds`), with the expectation
S/s + QS/(n s). It is the estimate of crossed random effects (MS_queries + MS_seeds - MS_interaction) / (n s),
but for the truncation at 0. Test and interval use `reference.Reference` with n - 1 degrees of freedom for the
first part and those of the seeds for the second.

A bootstrap that resamples queries and seeds was the alternative (A. B. Owen, The pigeonhole bootstrap, Annals
of Applied Statistics 1, 2007). With three seeds it sees two thirds of their variance and knows no degrees of
freedom: it finds a difference where there is none in up to 27 % of simulated cases, this test in 2 to 7 %
(`python -m benchmarks.claims`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd

from sirbench.evaluation.claims.measured import Measured, check_comparable
from sirbench.evaluation.claims.reference import Reference
from sirbench.evaluation.claims.variance import (
    NOISE,
    Components,
    SeedVariance,
    Values,
    independent_seeds,
    paired_seeds,
    query_variance,
)
from sirbench.evaluation.significance import paired_t_test

LEVEL = 0.05
"""Of every test; intervals have the confidence 1 - LEVEL."""

Seeds = Literal["shared", "independent"]
"""Whether trainings with the same seed number have something in common (order of queries, blocks)."""


@dataclass(frozen=True)
class Effect:
    """The difference of two recipes' means, better minus than, and what chance does to it.

    Where one of the recipes has fewer than two seeds, there is the estimate alone: the rest is None or nan.
    """

    estimate: float
    reference: Reference | None = None
    components: Components | None = None
    seed_variance: SeedVariance | None = None

    @property
    def standard_error(self) -> float:
        """Of the estimate, over queries and seeds."""
        return self.reference.standard_error if self.reference else nan

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of confidence 1 - LEVEL."""
        half = self.reference.half_width(LEVEL) if self.reference else nan
        return self.estimate - half, self.estimate + half

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference."""
        return self.reference.p_value(self.estimate) if self.reference else nan

    @property
    def degrees_of_freedom(self) -> float:
        """Of the one Student t with the same critical value (`Reference.degrees_of_freedom`)."""
        return self.reference.degrees_of_freedom if self.reference else nan

    @property
    def sd_seeds(self) -> float:
        """The standard deviation over seeds of the difference that one seed of each recipe gives."""
        return sqrt(self.seed_variance.per_seed) if self.seed_variance else nan


@dataclass(frozen=True)
class Comparison:
    """Two recipes on the same queries.

    Attributes:
        better, than: their names.
        effect: the difference of their means, over queries and seeds.
        baseline: the mean of `than`, which a relative margin is relative to.
        queries, seeds_better, seeds_than: how many of each.
        p_paired_t: of the paper's test: two-sided, paired over queries, of the per-query means over seeds. It
            says whether these trained models differ, nothing of the recipes.
        analysis: how seeds were treated, in words; empty where no test over seeds was made.
        remarks: which seeds gave no model.
        of_models: the same difference over queries alone, with the chance of the paired t-test: of these
            trained models, each query's values averaged over seeds.
    """

    better: str
    than: str
    effect: Effect
    baseline: float
    queries: int
    seeds_better: int
    seeds_than: int
    p_paired_t: float
    analysis: str
    remarks: tuple[str, ...] = ()
    of_models: Effect = Effect(nan)

    @property
    def generalises_over(self) -> str:
        """What `interval` is over: "queries and seeds", or "queries" where either has one seed."""
        if self.effect.reference:
            return "queries and seeds"
        return "queries" if self.of_models.reference else ""

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the difference, over as much as the seeds allow: that of tables and figures."""
        return (self.effect if self.effect.reference else self.of_models).interval


def compare(
    better: Measured, than: Measured, *, others: Sequence[Measured] = (), seeds: Seeds = "shared"
) -> Comparison:
    """Compare two recipes over queries and seeds together.

    Seeds are analysed in pairs where they are shared and both recipes have the same ones; otherwise (one
    recipe lacks a seed, or seeds are independent) each recipe's on their own, so that none is wasted. Which
    of the two happens depends on nothing that was measured.

    Args:
        better, than: what was measured of either.
        others: more recipes on the same queries, whose seeds may help to estimate the variance between seeds
            (`variance.pool`). In pairs, those help that have the same seeds.
        seeds: whether trainings with the same seed number have anything in common.

    Raises:
        InputError: the recipes, or the others, are about different queries; or there is only one query.
    """
    check_comparable(better, than, *others)
    remarks = tuple(recipe.remark for recipe in (better, than) if recipe.absent)
    empty = Comparison(
        better.name,
        than.name,
        Effect(nan),
        nan,
        0,
        better.seeds,
        than.seeds,
        nan,
        analysis="",
        remarks=remarks,
    )
    if not (better.seeds and than.seeds):
        return empty
    first, second, paired = aligned(better, than, seeds)
    helping = [other for other in others if other.seeds > 1 and (not paired or _same_seeds(better, other))]
    rest = [_values(other, better, paired) for other in helping]
    tested = min(better.seeds, than.seeds) > 1
    effect = estimate(first, second, rest, paired=paired) if tested else Effect(_difference(first, second))
    return replace(
        empty,
        effect=effect,
        of_models=estimate_of_models(first, second),
        baseline=float(second.mean()),
        queries=first.shape[1],
        p_paired_t=paired_t_test(pd.Series(first.mean(axis=0)), pd.Series(second.mean(axis=0))),
        analysis=_analysis(effect, paired),
    )


def aligned(better: Measured, than: Measured, seeds: Seeds = "shared") -> tuple[Values, Values, bool]:
    """Both recipes' values, queries in the same order, and whether their rows are pairs of seeds."""
    paired = seeds == "shared" and _same_seeds(better, than)
    return _values(better, better, paired), _values(than, better, paired), paired


def estimate(better: Values, than: Values, others: Sequence[Values] = (), *, paired: bool) -> Effect:
    """Estimate the difference of two recipes' means, and its distribution over queries and seeds.

    Args:
        better, than: (seeds, queries), with the same queries, two or more of either; rows are pairs if
            `paired`.
        others: further recipes, also with the same seeds if `paired`.
        paired: whether row s of one and row s of the other share what the seed decides.
    """
    queries = better.shape[1]
    between_queries, interaction = query_variance(better, than, paired=paired)
    seed_variance = (paired_seeds if paired else independent_seeds)(better, than, others)
    return Effect(
        _difference(better, than),
        Reference(((between_queries, queries - 1), (seed_variance.variance, seed_variance.freedom))),
        Components(
            queries=between_queries * queries,
            seeds=max(0.0, seed_variance.per_seed - interaction / queries),
            interaction=interaction,
            paired=paired,
            pooled_freedom=seed_variance.pooled_freedom,
        ),
        seed_variance,
    )


def estimate_of_models(better: Values, than: Values) -> Effect:
    """Estimate the same of these trained models, over queries alone: the paired t-test of seeds' means."""
    differences = better.mean(axis=0) - than.mean(axis=0)
    variance = float(differences.var(ddof=1)) / len(differences)
    variance = variance if variance > NOISE**2 else 0.0
    return Effect(_difference(better, than), Reference(((variance, len(differences) - 1),)))


def _difference(better: Values, than: Values) -> float:
    """The difference of the means; rounding is no difference."""
    difference = float(better.mean() - than.mean())
    return difference if abs(difference) > NOISE else 0.0


def _same_seeds(first: Measured, second: Measured) -> bool:
    return set(first.values.index) == set(second.values.index)


def _values(recipe: Measured, like: Measured, paired: bool) -> Values:
    """The recipe's values with the queries, and if `paired` the seeds, in the order of `like`."""
    values = recipe.values[like.values.columns]
    rows = values.loc[like.values.index] if paired else values
    return np.asarray(rows, dtype="float64")


def _analysis(effect: Effect, paired: bool) -> str:
    if not effect.seed_variance:
        return ""
    pooled = effect.seed_variance.pooled_freedom
    words = f", variance of seeds pooled ({pooled} degrees of freedom of other recipes)" if pooled else ""
    return f"{'paired' if paired else 'independent'} seeds{words}"
