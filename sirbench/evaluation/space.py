"""Measures of the semantic space of negatives in the classifier, which figure `space` draws.

The classifier is the last level. A *candidate* here is a candidate that is not judged positive; the
*selected* ones are those that the classifier trained on for a query in an epoch. `sirbench embed` gives
embeddings at the start, the middle and the end of training, so an epoch is measured with those of the moment
nearest to its end (the later of two equally near ones). Beside every measure are its nulls (`space_nulls`):
what it comes to where nothing has learned.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from sirbench.data.near_duplicates import shingles
from sirbench.evaluation.significance import bootstrap_interval
from sirbench.evaluation.space_nulls import (
    BlockDraws,
    highest_scored,
    random_coverage,
    random_selections,
    random_turnover,
    replayed_blocks,
)
from sirbench.machine.errors import InputError

MOMENTS = ("start", "middle", "end")

UNITS = {
    "coverage": "share of the candidates",
    "turnover": "1 - Jaccard",
    "rank": "rank in the candidates",
    "margin": "standard deviations of the candidates' scores",
    "margin_logits": "logits",
    "volume": "nats per dimension",
    "near_duplicate": "share of the selected",
    "has_positive": "share of the selected",
    "within_positive": "share of the selected",
}
"""The measures of `measure_space` and their units."""

NEAR_DUPLICATE = 0.5
"""The least Jaccard index of shingles at which a negative counts as a near-duplicate of a positive."""
CONTAINED = 0.8
"""The least share of one document's shingles that the other has, at which it counts as contained in it."""
AXES = 8
"""The dimensions in which volumes are compared: mostly no more than a classifier has negatives."""
SHRINKAGE = 0.1
"""The share of the isotropic covariance that is mixed into every covariance."""

Values = Mapping[str, float]
"""Measures by name."""


def measure_space(trace: pd.DataFrame, embedded: pd.DataFrame, draws: BlockDraws) -> pd.DataFrame:
    """Every measure per epoch beside its nulls, averaged over the training queries that are embedded.

    The result has a line per epoch and measure: `epoch` (from 1), `moment` (of the embeddings), `measure`,
    `value`, its 95 % percentile bootstrap interval over queries (`ci_low`, `ci_high`), `random` and
    `unchanging` (what random selection, and a scorer that never changes, come to on the same queries, blocks
    and moment), `unit` and `queries`, the number of queries that have a value. A query has none if it has no
    negative, or if a measure needs an epoch before the first. The numbers are NaN if `queries` is 0, the
    interval if it is 0 or 1.

    Args:
        trace: the selection trace of a cell (step, epoch, query_id, level, ranks).
        embedded: the embeddings of the same cell, as `sirbench embed` writes them.
        draws: how its blocks are drawn.

    Raises:
        InputError: the cell was trained on documents that are not in its blocks.
    """
    embedded = embedded[embedded["split"] == "train"]
    lines = []
    for query, documents in embedded.groupby("query_id", sort=False):
        by_moment = dict(iter(documents.groupby("moment", sort=False)))
        selected = selected_ranks(trace, str(query))
        blocks = _blocks(str(query), by_moment["start"], selected, draws)
        unchanging = _selected_at_start(by_moment["start"], blocks, selected)
        for epoch in range(len(selected)):
            moment = nearest_moment(epoch, len(selected))
            here, until = by_moment[moment], slice(epoch + 1)
            of_all = (
                _measure_query(selected[until], here),
                _random(str(query), blocks[until], [len(ranks) for ranks in selected[until]], here),
                _measure_query(unchanging[until], here),
            )
            lines += [(epoch + 1, moment, name, *(of[name] for of in of_all)) for name in UNITS]
    return _summary(pd.DataFrame(lines, columns=[*KEY, "value", *NULLS]))


KEY = ["epoch", "moment", "measure"]
NULLS = ["random", "unchanging"]


def _summary(lines: pd.DataFrame) -> pd.DataFrame:
    """The means over queries of lines with `KEY`, value and `NULLS`."""
    rows = []
    for key, of_queries in lines.groupby(KEY, sort=False):
        known = of_queries.dropna(subset="value")
        interval = bootstrap_interval(known["value"])
        nulls = (known[null].mean() for null in NULLS)
        rows.append((*key, known["value"].mean(), *interval, *nulls, UNITS[str(key[2])], len(known)))
    return pd.DataFrame(rows, columns=[*KEY, "value", "ci_low", "ci_high", *NULLS, "unit", "queries"])


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


def standardised(margin: float, candidates: np.ndarray) -> float:
    """A margin over the standard deviation of the scores of the query's candidates at the same moment.

    Logits have no scale of their own, and training stretches them: in logits every selection would seem to
    get easier. The divisor is that of all candidates (not of those selected, nor with the positives), the
    root mean square of the differences from their mean; NaN if all score the same.
    """
    spread = float(np.std(candidates)) if len(candidates) else 0.0
    return margin / spread if spread > 0 else np.nan


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
    axes = leading_axes(candidates)
    if not len(axes):
        return np.nan
    every, some = (np.asarray(points, np.float64) @ axes.T for points in (candidates, selected))
    target = np.mean(every.var(axis=0)) * np.eye(len(axes))

    def log_determinant(points: np.ndarray) -> float:
        covariance = np.atleast_2d(np.cov(points, rowvar=False, bias=True))
        return float(np.linalg.slogdet((1 - SHRINKAGE) * covariance + SHRINKAGE * target).logabsdet)

    return (log_determinant(some) - log_determinant(every)) / len(axes)


def leading_axes(points: np.ndarray) -> np.ndarray:
    """The `AXES` leading principal axes (axes, width) of points (n, width), or as many as have variance."""
    centred = np.asarray(points, dtype=np.float64) - np.mean(points, axis=0, dtype=np.float64)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    # Embeddings are float32: what is smaller than their rounding errors is not variance.
    rank = int((singular > np.abs(points).max() * np.finfo(np.float32).eps * len(points)).sum())
    return np.asarray(axes[: min(AXES, rank)])


def overlaps(document: Sequence[int], positive: Sequence[int]) -> tuple[float, float, float]:
    """How far the token shingles of a document and of a positive are the same, each from 0 to 1.

    The Jaccard index (Broder 1997, resemblance); the share of the positive's shingles that the document has,
    and the share of the document's that the positive has (containment). An empty document has nothing in
    common with any.
    """
    some, others = (shingles([int(token) for token in tokens]) for tokens in (document, positive))
    common = len(some & others)
    if not common:
        return 0.0, 0.0, 0.0
    return common / len(some | others), common / len(others), common / len(some)


def _measure_query(selected: Sequence[Sequence[int]], documents: pd.DataFrame) -> Values:
    """The measures of the last of these epochs, for one query and one moment."""
    negatives = documents[documents["kind"] == "negative"].set_index("rank")
    positives = documents.loc[documents["kind"] == "positive", "score"].to_numpy()
    ranks = list(selected[-1])
    chosen = negatives.loc[ranks]
    logits = margin(positives, chosen["score"].to_numpy())
    return {
        "coverage": coverage(selected, len(negatives)),
        "turnover": turnover(*selected[-2:]) if len(selected) > 1 else np.nan,
        "rank": float(np.mean(ranks)) if ranks else np.nan,
        "margin": standardised(logits, negatives["score"].to_numpy()),
        "margin_logits": logits,
        "volume": relative_volume(_matrix(chosen), _matrix(negatives)),
        "near_duplicate": _share(chosen["overlap"] >= NEAR_DUPLICATE),
        "has_positive": _share(chosen["has_positive"] >= CONTAINED),
        "within_positive": _share(chosen["within_positive"] >= CONTAINED),
    }


def _blocks(
    query_id: str, documents: pd.DataFrame, selected: Sequence[Collection[int]], draws: BlockDraws
) -> list[np.ndarray]:
    """The blocks of a query in each epoch, which hold all that was selected."""
    positives = int((documents["kind"] == "positive").sum())
    ranks = documents.loc[documents["kind"] == "negative", "rank"].to_list()
    blocks = replayed_blocks(query_id, positives, ranks, len(selected), draws)
    for epoch, (block, of_epoch) in enumerate(zip(blocks, selected, strict=True)):
        if strangers := set(of_epoch) - set(block.tolist()):
            raise InputError(
                f"query {query_id}, epoch {epoch}: trained on the candidate of rank {min(strangers)}, which "
                "is not in its block; the selection trace is not of this seed, recipe or depth"
            )
    return blocks


def _selected_at_start(
    documents: pd.DataFrame, blocks: Sequence[np.ndarray], selected: Sequence[Collection[int]]
) -> list[list[int]]:
    """What the model that training starts from selects of each block, as many as training did."""
    scores = documents[documents["kind"] == "negative"].set_index("rank")["score"]
    return [
        highest_scored(block, scores.loc[block].to_numpy(), len(of_epoch))
        for block, of_epoch in zip(blocks, selected, strict=True)
    ]


def _random(
    query_id: str, blocks: Sequence[np.ndarray], counts: Sequence[int], documents: pd.DataFrame
) -> Values:
    """What the measures of the last of these epochs are expected to be for a random selection.

    A mean over the selected is expected to be the mean over the block. Coverage and turnover have formulas of
    their own, volume is averaged over random selections.
    """
    negatives = documents[documents["kind"] == "negative"]
    of_block = _measure_query([blocks[-1].tolist() if counts[-1] else []], documents)
    several = len(blocks) > 1
    return {
        **of_block,
        "coverage": random_coverage(blocks, counts, len(negatives)),
        "turnover": random_turnover(blocks[-2:], counts[-2:]) if several else np.nan,
        "volume": _random_volume(query_id, blocks, counts[-1], negatives),
    }


def _random_volume(query_id: str, blocks: Sequence[np.ndarray], count: int, negatives: pd.DataFrame) -> float:
    """The mean volume of random selections from the last block."""
    if not count:
        return np.nan
    candidates = _matrix(negatives)
    axes = leading_axes(candidates)
    if not len(axes):
        return np.nan
    # Within the axes that volumes are compared in, each of the many decompositions is a small one.
    within = pd.DataFrame(candidates @ axes.T, index=negatives["rank"].to_numpy())
    every = within.to_numpy()
    draws = random_selections(query_id, len(blocks), blocks[-1], count)
    return float(np.mean([relative_volume(within.loc[ranks].to_numpy(), every) for ranks in draws]))


def _share(holds: pd.Series) -> float:
    return float(holds.mean()) if len(holds) else np.nan


def _matrix(documents: pd.DataFrame) -> np.ndarray:
    """The embeddings as one array (documents, width)."""
    return np.stack(documents["embedding"].to_list()) if len(documents) else np.empty((0, 0))
