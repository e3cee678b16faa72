"""Measures of the semantic space of negatives in the classifier, which Figure 6 draws.

The classifier is the last level. A *candidate* here is a candidate that is not judged positive; the
*selected* ones are those that the classifier trained on for a query in an epoch. `sirbench embed` gives
embeddings at the start, the middle and the end of training, so an epoch is measured with those of the moment
nearest to its end (the later of two equally near ones).
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from sirbench.evaluation.significance import bootstrap_interval

MOMENTS = ("start", "middle", "end")

UNITS = {
    "coverage": "share of the candidates",
    "turnover": "1 - Jaccard",
    "rank": "rank in the candidates",
    "margin": "logits",
    "volume": "nats per dimension",
    "likely_false": "share of the selected",
}
"""The measures of `measure_space` and their units."""

SHINGLE = 5
"""The number of tokens of a shingle."""
NEAR_DUPLICATE = 0.5
"""The least Jaccard overlap of shingles at which a negative counts as a near-duplicate of a positive."""
AXES = 8
"""The dimensions in which volumes are compared: mostly no more than a classifier has negatives."""
SHRINKAGE = 0.1
"""The share of the isotropic covariance that is mixed into every covariance."""


def measure_space(trace: pd.DataFrame, embedded: pd.DataFrame) -> pd.DataFrame:
    """Every measure per epoch, averaged over the training queries that are embedded.

    The result has a line per epoch and measure: `epoch` (from 1), `moment` (of the embeddings), `measure`,
    `value`, its 95 % percentile bootstrap interval over queries (`ci_low`, `ci_high`), `unit` and `queries`,
    the number of queries that have a value. A query has none if it has no negative, or if a measure needs an
    epoch before the first. `value` is NaN if `queries` is 0, the interval if it is 0 or 1.

    Args:
        trace: the selection trace of a cell (step, epoch, query_id, level, ranks).
        embedded: the embeddings of the same cell, as `sirbench embed` writes them.
    """
    embedded = embedded[embedded["split"] == "train"]
    lines = []
    for query, documents in embedded.groupby("query_id", sort=False):
        selected = selected_ranks(trace, str(query))
        by_moment = dict(iter(documents.groupby("moment", sort=False)))
        for epoch in range(len(selected)):
            moment = nearest_moment(epoch, len(selected))
            measured = _measure_query(selected[: epoch + 1], by_moment[moment])
            lines += [(epoch + 1, moment, measure, value) for measure, value in measured.items()]
    columns = ["epoch", "moment", "measure", "value"]
    summary = []
    for key, values in pd.DataFrame(lines, columns=columns).groupby(columns[:3], sort=False)["value"]:
        known = values.dropna()
        interval = bootstrap_interval(known)
        summary.append((*key, known.mean(), *interval, UNITS[str(key[2])], len(known)))
    return pd.DataFrame(summary, columns=[*columns, "ci_low", "ci_high", "unit", "queries"])


def selected_ranks(trace: pd.DataFrame, query_id: str) -> list[list[int]]:
    """The ranks of the negatives that the classifier trained on for a query, per epoch."""
    lines = trace[(trace["query_id"] == query_id) & (trace["level"] == trace["level"].max())]
    return [[int(rank) for rank in ranks] for ranks in lines.sort_values("epoch")["ranks"]]


def nearest_moment(epoch: int, epochs: int) -> str:
    """The moment whose embeddings are used to measure one of `epochs` epochs, counted from 0."""
    # The distances of the epoch's end from 0, epochs / 2 and epochs, doubled to be whole numbers.
    distances = [abs(2 * (epoch + 1) - epochs * place) for place in range(3)]
    return MOMENTS[max(place for place in range(3) if distances[place] == min(distances))]


def coverage(selected: Sequence[Collection[int]], candidates: int) -> float:
    """|union of the sets selected in the epochs so far| / |candidates|; NaN without candidates."""
    return len(set().union(*selected)) / candidates if candidates else np.nan


def turnover(before: Collection[int], after: Collection[int]) -> float:
    """1 - |before and after| / |before or after|: 0 for equal sets, 1 for disjoint, NaN for two empty sets.

    This is the dynamics of the selection from one epoch to the next.
    """
    union = set(before) | set(after)
    return 1 - len(set(before) & set(after)) / len(union) if union else np.nan


def margin(positives: np.ndarray, selected: np.ndarray) -> float:
    """The mean score of the positives minus that of the selected, in logits; lower means harder."""
    return float(positives.mean() - selected.mean()) if len(positives) and len(selected) else np.nan


def relative_volume(selected: np.ndarray, candidates: np.ndarray) -> float:
    """Log-determinant of the covariance of `selected` (k, width) relative to `candidates` (n, width).

    (log det C(selected) - log det C(candidates)) / r, in nats per dimension: 0 if the selected are spread
    like all candidates, negative if they are closer together. It does not depend on position, rotation or
    scale. The space is spanned by the r leading principal axes of the candidates, where r is `AXES`, or the
    number of axes with variance if that is smaller. C(X) = (1 - s) cov(X) + s t I, where cov divides by the
    number of rows, s = `SHRINKAGE`, and t is the candidates' mean variance along those axes (the target of
    Ledoit and Wolf 2004, doi: 10.1016/S0047-259X(03)00096-4, with a fixed s so that all sets are shrunk
    alike). So the volume is defined for every k >= 1; but few documents span little, so compare only recipes
    that keep equally many. It is NaN if nothing is selected, or if all candidates are the same point.
    """
    if not len(selected) or not len(candidates):
        return np.nan
    centred = np.asarray(candidates, dtype=np.float64) - np.mean(candidates, axis=0, dtype=np.float64)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    # Embeddings are float32: what is smaller than their rounding errors is not variance.
    rank = int((singular > np.abs(candidates).max() * np.finfo(np.float32).eps * len(candidates)).sum())
    axes, singular = axes[: min(AXES, rank)], singular[: min(AXES, rank)]
    if not len(axes):
        return np.nan
    target = np.mean(singular**2) / len(candidates) * np.eye(len(axes))

    def log_determinant(points: np.ndarray) -> float:
        covariance = np.atleast_2d(np.cov(points @ axes.T, rowvar=False, bias=True))
        return float(np.linalg.slogdet((1 - SHRINKAGE) * covariance + SHRINKAGE * target).logabsdet)

    return float((log_determinant(np.asarray(selected, np.float64)) - log_determinant(centred)) / len(axes))


def overlap(document: Sequence[int], other: Sequence[int]) -> float:
    """The Jaccard index of the token shingles of two documents, from 0 to 1 (Broder 1997, resemblance).

    A shingle is `SHINGLE` consecutive tokens; a shorter document is one shingle. An empty document has none.
    """
    some, others = _shingles(document), _shingles(other)
    return len(some & others) / len(some | others) if some and others else 0.0


def _shingles(tokens: Sequence[int]) -> set[tuple[int, ...]]:
    tokens = tuple(int(token) for token in tokens)
    return {tokens[i : i + SHINGLE] for i in range(max(1, len(tokens) - SHINGLE + 1))} if tokens else set()


def _measure_query(selected: Sequence[Sequence[int]], documents: pd.DataFrame) -> Mapping[str, float]:
    """The measures of the last of these epochs, for one query and one moment."""
    negatives = documents[documents["kind"] == "negative"].set_index("rank")
    positives = documents.loc[documents["kind"] == "positive", "score"].to_numpy()
    ranks = list(selected[-1])
    chosen = negatives.loc[ranks]
    return {
        "coverage": coverage(selected, len(negatives)),
        "turnover": turnover(*selected[-2:]) if len(selected) > 1 else np.nan,
        "rank": float(np.mean(ranks)) if ranks else np.nan,
        "margin": margin(positives, chosen["score"].to_numpy()),
        "volume": relative_volume(_matrix(chosen), _matrix(negatives)),
        "likely_false": float((chosen["overlap"] >= NEAR_DUPLICATE).mean()) if ranks else np.nan,
    }


def _matrix(documents: pd.DataFrame) -> np.ndarray:
    """The embeddings as one array (documents, width)."""
    return np.stack(documents["embedding"].to_list()) if len(documents) else np.empty((0, 0))
