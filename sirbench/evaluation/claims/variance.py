"""The chance in a difference of two recipes: between queries, between seeds, and between both.

A recipe r has value y_rsq on query q when trained with seed s. Queries are a sample of the queries that might
be asked, seeds of the trainings that might be run, and every seed answers every query: the two are crossed
random effects. The variance of the difference of two means over s seeds and n queries is (R. L. Brennan,
Generalizability Theory, 2001; for rankers: S. E. Robertson and E. Kanoulas, On per-topic variance in IR
evaluation, SIGIR 2012; for seeds: X. Bouthillier et al., Accounting for variance in machine learning
benchmarks, MLSys 2021)

    V = Q/n + S/s + QS/(n s)

with the variance components of the difference: Q of queries, S of seeds, and QS of what remains (queries x
seeds). They are estimated from mean squares, as in the analysis of variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from sirbench.evaluation.claims.reference import MOST_FREEDOM, Reference

Values = NDArray[np.float64]
"""Values of one recipe, or differences of two: (seeds, queries)."""

POOLING_LEVEL = 1 / 3
POOLED_FREEDOM = 4
"""Other recipes' seeds help where the test of equal variances has at least this p-value, and count for so
many degrees of freedom at most; see `pool`."""
NOISE = 1e-12
"""A standard deviation up to this is rounding."""


@dataclass(frozen=True)
class Components:
    """Variance components of a difference of two recipes; an estimate below 0 is given as 0.

    Attributes:
        queries: Q, of the difference's expectation over seeds, between queries.
        seeds: S, of the difference's expectation over queries, between seeds (both recipes' together).
        interaction: QS, what remains for one seed of each on one query.
        paired: whether seeds are analysed in pairs.
        pooled_freedom: degrees of freedom that other recipes' seeds are expected to add.
    """

    queries: float
    seeds: float
    interaction: float
    paired: bool = True
    pooled_freedom: int = 0

    def reference(self, queries: float, seeds: float) -> Reference:
        """The distribution for a difference over so many queries, and so many seeds of each recipe.

        Degrees of freedom are s - 1 for seeds in pairs. For independent seeds Welch's vary from study to
        study, between s - 1 and 2(s - 1). Taken as 2(s - 1) - 1 they predict the power within .02 where both
        recipes vary alike, and with three seeds up to .06 too high where one varies twice as much.
        """
        freedom = (seeds - 1 if self.paired else 2 * (seeds - 1) - 1) + self.pooled_freedom
        between_seeds = self.seeds / seeds + self.interaction / (queries * seeds)
        return Reference(
            (
                (self.queries / queries, min(queries - 1, MOST_FREEDOM)),
                (between_seeds, min(freedom, MOST_FREEDOM)),
            )
        )


@dataclass(frozen=True)
class SeedVariance:
    """How far the difference of two recipes' means is from itself with other seeds, on the same queries.

    Attributes:
        variance: of the difference of the means over all seeds.
        freedom: the degrees of freedom of that estimate.
        per_seed: of the difference with one seed of each recipe.
        pooled_freedom: how many of `freedom` are other recipes'.
    """

    variance: float
    freedom: float
    per_seed: float
    pooled_freedom: int = 0


def paired_seeds(better: Values, than: Values, others: Sequence[Values] = ()) -> SeedVariance:
    """Estimate the variance between seeds from each seed's difference, d_s = mean_q(better) - mean_q(than).

    What a seed does to both alike (the order of queries, the blocks, the new head) cancels. The others' rows
    are the same seeds; of a table of R recipes by s seeds, rows and columns taken out, this difference
    accounts for s - 1 degrees of freedom of the residual, the other contrasts for (R - 2)(s - 1),
    independently if all R recipes vary alike.
    """
    seeds = len(better)
    means = np.stack([values.mean(axis=1) for values in (better, than, *others)])
    residual = means - means.mean(axis=1, keepdims=True) - means.mean(axis=0) + means.mean()
    difference = means[0] - means[1]
    own = float(((difference - difference.mean()) ** 2).sum()) / 2
    rest = float((residual**2).sum()) - own
    variance, pooled_freedom = pool(own, seeds - 1, rest, len(others) * (seeds - 1))
    per_seed = _without_noise(2 * variance)
    return SeedVariance(per_seed / seeds, seeds - 1 + pooled_freedom, per_seed, pooled_freedom)


def independent_seeds(better: Values, than: Values, others: Sequence[Values] = ()) -> SeedVariance:
    """Estimate the variance between seeds as the sum of two means'; numbers of seeds may differ.

    Without other recipes, or where their seeds vary differently, each recipe has its own variance and the
    degrees of freedom are Welch's (1947). Otherwise both have the same. Where seeds are in truth shared, and
    move recipes alike, this overstates the variance.
    """
    means = [values.mean(axis=1) for values in (better, than)]
    own, freedoms = [_squares(mean) for mean in means], [len(mean) - 1 for mean in means]
    rest = [(_squares(values.mean(axis=1)), len(values) - 1) for values in others if len(values) > 1]
    variance, pooled_freedom = pool(
        sum(own), sum(freedoms), sum(squares for squares, _ in rest), sum(freedom for _, freedom in rest)
    )
    variances = [
        variance if pooled_freedom else squares / f for squares, f in zip(own, freedoms, strict=True)
    ]
    parts = [_without_noise(v) / len(mean) for v, mean in zip(variances, means, strict=True)]
    freedom = sum(freedoms) + pooled_freedom if pooled_freedom else welch_freedom(parts, freedoms)
    return SeedVariance(sum(parts), freedom, _without_noise(sum(variances)), pooled_freedom)


def pool(own: float, own_freedom: int, rest: float, rest_freedom: int) -> tuple[float, int]:
    """Estimate a variance from two recipes' sum of squares, and the others' where those may be thought equal.

    The test is F = (own / own_freedom) / (rest / rest_freedom), one-sided: pooling does harm only where the
    two recipes in question vary more than the rest, because then their variance is understated. At the
    customary level of .25 (T. A. Bancroft, Analysis and inference for incompletely specified models,
    Biometrics 20, 1964), all degrees of freedom pooled, two equal recipes whose seeds have twice the others'
    standard deviation are called different in 9 % of cases with three seeds. So the level is 1/3 and the
    others count for POOLED_FREEDOM degrees of freedom at most, which makes it 7 %. Two seeds in pairs, with
    one degree of freedom, are too few to test anything and stay alone.

    What it gains is for few seeds: with three, a table of eight, and all chance in seeds, a difference of
    three standard errors is found in 51 % of cases for 39 %, and as the least of six p-values by Holm in 21 %
    for 8 %.

    Returns:
        The variance, and how many degrees of freedom of it are the others'.
    """
    own = _without_noise(own)
    if own and own_freedom > 1 and rest_freedom and _without_noise(rest):
        ratio = (own / own_freedom) / (rest / rest_freedom)
        if fdtrc(own_freedom, rest_freedom, ratio) >= POOLING_LEVEL:
            pooled = min(rest_freedom, POOLED_FREEDOM)
            return (own + rest / rest_freedom * pooled) / (own_freedom + pooled), pooled
    return own / own_freedom, 0


def welch_freedom(parts: Sequence[float], freedoms: Sequence[int]) -> float:
    """Degrees of freedom of a sum of independent variance estimates (Satterthwaite 1946; Welch 1947)."""
    if not sum(parts):
        return float(sum(freedoms))
    return sum(parts) ** 2 / sum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True))


def query_variance(better: Values, than: Values, *, paired: bool) -> tuple[float, float]:
    """Estimate Q/n and QS from the differences over queries, and from what seeds do within a query.

    The variance over queries of the differences of means over seeds has the expectation Q + QS/s; QS is
    estimated by the mean square of queries x seeds (of the differences if paired, else of either recipe, and
    added).

    Returns:
        Q/n, at least 0, and QS.
    """
    queries = better.shape[1]
    total = float((better.mean(axis=0) - than.mean(axis=0)).var(ddof=1)) / queries
    tables = [better - than] if paired else [better, than]
    interactions = [_interaction(table) for table in tables]
    within = sum(square / len(table) for square, table in zip(interactions, tables, strict=True)) / queries
    return _without_noise(max(0.0, total - within)), sum(interactions)


def _interaction(table: Values) -> float:
    """The mean square of queries x seeds: what is left of a table without its row and column means."""
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    seeds, queries = table.shape
    return _without_noise(float((residual**2).sum()) / ((seeds - 1) * (queries - 1)))


def _squares(means: Values) -> float:
    return float(((means - means.mean()) ** 2).sum())


def _without_noise(variance: float) -> float:
    return variance if variance > NOISE**2 else 0.0
