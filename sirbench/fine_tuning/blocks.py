"""Training blocks: which documents a query is trained on in an epoch, drawn by hash.

A block is one positive and as many negatives as fit; in V1 and V2, those of them that trained compressors
pass on. Every draw depends on (seed, epoch, query id) and nothing else, so it is the same in whatever order,
on however many GPUs, and after any resume.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sirbench.data.tokens import TokenStore
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator


class Block(NamedTuple):
    """The documents of one query in one epoch, the positive first."""

    query: int
    """Row of the query in the token store."""
    documents: np.ndarray
    """(documents,) int64: rows in the token store; fewer than asked for where candidates are short."""
    ranks: np.ndarray
    """(documents,) int64: rank in the candidates, from 1; 0 for the positive."""
    keys: np.ndarray
    """(documents,) float32: uniform random numbers, for random compressors."""


class Scored(NamedTuple):
    """What a trained compressor makes of a query's negatives, on the way to a block (V1, V2)."""

    size: int
    """Group size that it selects from, the positive included."""
    scores: np.ndarray
    """(negatives,) float64: its scores of the query's negatives."""


class TrainingQuery(NamedTuple):
    """A query with its judged-positive documents and the candidates that are not among them."""

    id: str
    row: int
    positives: np.ndarray
    negatives: np.ndarray
    ranks: np.ndarray
    compressors: tuple[Scored, ...] = ()
    """Those that select on the way to a block, first to last."""


def training_queries(
    query_ids: Sequence[str], qrels: pd.DataFrame, candidates: pd.DataFrame, store: TokenStore
) -> list[TrainingQuery]:
    """Join queries, judgements (query_id, doc_id, relevance) and candidates (query_id, doc_id, score).

    Negatives are the candidates without the query's positives, in the candidates' order. The positive
    comes from the judgements even where the candidates miss it. A query without a positive is an
    `InputError`; one without negatives stays (its loss is 0): nothing is dropped in silence.
    """
    judged = qrels[qrels["relevance"] > 0]
    positives = {query: frame["doc_id"].to_numpy() for query, frame in judged.groupby("query_id", sort=False)}
    retrieved = {query: frame["doc_id"] for query, frame in candidates.groupby("query_id", sort=False)}
    rows = store.queries.rows(query_ids)
    result = []
    for query, row in zip(query_ids, rows, strict=True):
        if query not in positives:
            raise InputError(f"training query {query!r} has no judged-positive document")
        documents = retrieved.get(query, pd.Series(dtype=str)).to_numpy()
        negative = ~np.isin(documents, positives[query])
        result.append(
            TrainingQuery(
                id=query,
                row=int(row),
                positives=store.documents.rows(np.sort(positives[query])),
                negatives=store.documents.rows(documents[negative]),
                ranks=np.flatnonzero(negative) + 1,
            )
        )
    return result


def draw_block(query: TrainingQuery, size: int, seed: int, epoch: int, *, fixed: bool = False) -> Block:
    """One positive and `size - 1` negatives without replacement, or all where there are fewer.

    Where compressors select, a block of the first one's size is drawn, and each passes on its hardest
    negatives of what the one before it left (Eq. 4), the last one `size - 1` of them; ties go to the lower
    rank. A `fixed` block has the documents of epoch 0 in every epoch; only its keys are new in each.
    """
    drawn, *kept = [*(compressor.size for compressor in query.compressors), size]
    documents = random_generator("block", seed, 0 if fixed else epoch, query.id)
    positive = documents.choice(query.positives)
    chosen = np.sort(documents.permutation(len(query.negatives))[: drawn - 1])
    for compressor, left in zip(query.compressors, kept, strict=True):
        by_rank = np.sort(chosen)
        chosen = by_rank[np.argsort(-compressor.scores[by_rank], kind="stable")][: left - 1]
    keys = random_generator("keys", seed, epoch, query.id)
    return Block(
        query=query.row,
        documents=np.concatenate([[positive], query.negatives[chosen]]),
        ranks=np.concatenate([[0], query.ranks[chosen]]),
        keys=keys.random(len(chosen) + 1, dtype=np.float32),
    )
