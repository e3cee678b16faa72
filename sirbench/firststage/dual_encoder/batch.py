"""A batch scored whole: each of its queries against each of its documents."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sirbench.firststage.dual_encoder.encoder import DualEncoder
from sirbench.firststage.dual_encoder.queries import Batch


class Scored(NamedTuple):
    """Scores of a batch. The first documents are the queries' positives, the others their negatives."""

    positives: Tensor
    """(queries,) float32: score of each query's own positive."""
    scores: Tensor
    """(queries, documents) float32."""
    own: Tensor
    """(queries, documents) bool: the document was given to this query as a negative."""
    others: Tensor
    """(queries, documents) bool: it was given to another query, as a positive or a negative, and is neither
    judged positive for this one nor this one itself: an in-batch negative."""
    texts: int
    """How many texts were encoded."""


def score_batch(encoder: DualEncoder, batch: Batch, negatives: np.ndarray) -> Scored:
    """Encode and score a batch, with gradient.

    `negatives` (queries, at most so many) int64 has rows of documents, -1 where a query has fewer.
    """
    count = len(batch.queries)
    owners, places = np.nonzero(negatives >= 0)
    rows = np.concatenate([batch.positives, negatives[owners, places]])
    owner = np.concatenate([np.arange(count), owners])
    never = np.stack([np.isin(rows, query.no_negatives) for query in batch.queries])
    mine = owner == np.arange(count)[:, None]
    given = np.arange(len(rows)) >= count
    assert not (never & mine & given).any(), "a judged positive, or the query itself, was given as a negative"

    gradient = encoder.compute.gradient
    queries = encoder.embed_queries([query.tokens for query in batch.queries], gradient)
    scores = queries @ encoder.embed_documents(rows, gradient).T
    own, others = (torch.from_numpy(mask).to(encoder.device) for mask in (mine & given, ~mine & ~never))
    return Scored(scores.diagonal(), scores, own, others, count + len(rows))
