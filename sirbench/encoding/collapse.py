"""Whether a model still ranks: its scores are finite, and differ by more than rounding within a query."""

from typing import Literal

import numpy as np
import pandas as pd

from sirbench.encoding.cross_encoder import CrossEncoder

Scores = Literal["differ", "constant", "not finite"]
"""What a model's scores are like; those that are constant within each query are of one that has collapsed."""

ROUNDING = 1e-6
"""Scores of a query that differ by at most this, relative to the largest of them or 1, count as equal."""

QUERIES, DOCUMENTS = 4, 16
"""How many are compared: more documents than the two of V0, which may be copies of each other."""


def look_at_scores(encoder: CrossEncoder, queries: np.ndarray, documents: np.ndarray) -> Scores:
    """What the model's scores of the first `DOCUMENTS` of each of the first `QUERIES` are like.

    Scores are computed in float32 and without dropout, since bf16 and dropout make equal scores differ: bf16
    by up to 4e-4 for a collapsed MiniLM, while scores of two random layers after five steps differ by 1e-3.

    Args:
        encoder: in any precision and mode; both stay as they are.
        queries: rows of queries (pairs,), those of one query together.
        documents: rows of documents (pairs,).
    """
    pairs = pd.DataFrame({"query": queries, "document": documents})
    few = pairs[pairs["query"].isin(pairs["query"].unique()[:QUERIES])].groupby("query").head(DOCUMENTS)
    exact = CrossEncoder(encoder.model, encoder.store, chunk_tokens=encoder.chunk_tokens)
    mode = encoder.model.training
    encoder.model.train(False)
    scores = exact.score(few["query"].to_numpy(), few["document"].to_numpy()).cpu().numpy()
    encoder.model.train(mode)
    if not np.isfinite(scores).all():
        return "not finite"
    return "constant" if is_constant(few["query"].to_numpy(), scores) else "differ"


def is_constant(queries: np.ndarray, scores: np.ndarray) -> bool:
    """Whether no query has scores that differ by more than rounding; False if no query has two scores.

    Args:
        queries: the query (pairs,) of each pair.
        scores: the score (pairs,) of each.
    """
    spread = pd.Series(scores).groupby(queries, sort=False).agg(["min", "max", "size"])
    several = spread[spread["size"] > 1]
    rounding = ROUNDING * several[["min", "max"]].abs().max(axis=1).clip(lower=1)
    return len(several) > 0 and bool((several["max"] - several["min"] <= rounding).all())
