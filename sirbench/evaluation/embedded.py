"""The table of embeddings: the documents of a few queries, and what is true of them at a moment of training.

A line per document of a query: `query_id`, `split`, `doc_id`, `rank` (in the candidates, from 1; 0 for
positives), `kind` (`positive`, `negative`), and how far its token shingles are those of a positive
(`space.overlaps`), the largest over several positives: `overlap` (Jaccard index), `has_positive` and
`within_positive` (containment).
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sirbench.data.tokens import TokenStore
from sirbench.evaluation.space import overlaps
from sirbench.fine_tuning.blocks import TrainingQuery
from sirbench.training.schedule import middle_step

OVERLAPS = ("overlap", "has_positive", "within_positive")
"""The columns of `space.overlaps`, in its order."""


def first_queries(ids: Sequence[str], count: int) -> list[str]:
    """The `count` queries with the lowest sha256 of their id: of more, those of fewer are the first."""
    return sorted(ids, key=lambda query: hashlib.sha256(query.encode()).digest())[:count]


def documents_of(queries: Sequence[TrainingQuery], split: str, store: TokenStore) -> pd.DataFrame:
    """The positives and candidates of queries, with the rows of both in the token store."""
    frames = []
    for query in queries:
        rows = np.concatenate([query.positives, query.negatives])
        ranks = np.concatenate([np.zeros(len(query.positives), np.int64), query.ranks])
        positives = [store.documents[row] for row in query.positives]
        alike = [[overlaps(store.documents[row], positive) for positive in positives] for row in rows]
        content = {"query_id": query.id, "split": split, "doc_id": store.documents.ids[rows], "rank": ranks}
        content |= {"kind": np.where(ranks == 0, "positive", "negative")}
        content |= dict(zip(OVERLAPS, np.max(alike, axis=1).T, strict=True))
        frames.append(pd.DataFrame(content | {"query_row": query.row, "document_row": rows}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def trained_before(documents: pd.DataFrame, trace: pd.DataFrame, moment: str) -> np.ndarray:
    """Whether each document is a negative that the last level was trained on before the moment."""
    steps = int(trace["step"].max()) + 1
    before = {"start": 0, "middle": middle_step(steps), "end": steps}[moment]
    last = trace["level"] == trace["level"].max()
    return selected(documents, trace[last & (trace["step"] < before)])


def selected(documents: pd.DataFrame, trace: pd.DataFrame) -> np.ndarray:
    """Whether each document is a training negative in the selection trace."""
    seen = trace.explode("ranks")
    pairs = set(zip(seen["query_id"], seen["ranks"], strict=True))
    # Never those of dev queries, none of which has the id of a training query.
    keys = zip(documents["query_id"], documents["rank"], strict=True)
    return np.array([key in pairs for key in keys], dtype=bool)


def hardest(documents: pd.DataFrame, size: int) -> np.ndarray:
    """Whether each document is among the `size` highest-scored negatives of its query, ties by rank."""
    negatives = documents[documents["kind"] == "negative"].sort_values(
        ["score", "rank"], ascending=[False, True]
    )
    places = negatives.groupby(["split", "query_id"], sort=False).cumcount()
    return documents.index.isin(places.index[places < size])
