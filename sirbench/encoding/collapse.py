"""A model that has collapsed: it scores every document of a query alike, but for rounding."""

import numpy as np
import pandas as pd

from sirbench.encoding.cross_encoder import CrossEncoder

ROUNDING = 1e-6
"""Scores of a query no further apart than this, relative to the larger or to 1, are apart by rounding."""

QUERIES, DOCUMENTS = 4, 16
"""As many are looked at: more than the two documents of V0, one of which may be the other's copy."""


def has_collapsed(encoder: CrossEncoder, queries: np.ndarray, documents: np.ndarray) -> bool:
    """Whether the model scores the documents alike, for the first few queries and the first few of each.

    It is asked in float32 and without dropout. bf16 and dropout keep scores apart that are alike: bf16 by up
    to 4e-4 where MiniLM had collapsed, while two random layers after five steps are apart by 1e-3.

    Args:
        encoder: whatever precision and mode it is in, and is left in.
        queries: rows of queries (pairs,), those of one query together.
        documents: rows of documents (pairs,).
    """
    pairs = pd.DataFrame({"query": queries, "document": documents})
    few = pairs[pairs["query"].isin(pairs["query"].unique()[:QUERIES])].groupby("query").head(DOCUMENTS)
    exact = CrossEncoder(encoder.model, encoder.store, chunk_tokens=encoder.chunk_tokens)
    mode = encoder.model.training
    encoder.model.eval()
    scores = exact.score(few["query"].to_numpy(), few["document"].to_numpy()).cpu().numpy()
    encoder.model.train(mode)
    return is_constant(few["query"].to_numpy(), scores)


def is_constant(queries: np.ndarray, scores: np.ndarray) -> bool:
    """Whether no query has two documents with scores apart by more than rounding; False if none has two.

    Args:
        queries: the query (pairs,) of each pair.
        scores: the score (pairs,) of each.
    """
    spread = pd.Series(scores).groupby(queries, sort=False).agg(["min", "max", "size"])
    several = spread[spread["size"] > 1]
    rounding = ROUNDING * several[["min", "max"]].abs().max(axis=1).clip(lower=1)
    return len(several) > 0 and bool((several["max"] - several["min"] <= rounding).all())
