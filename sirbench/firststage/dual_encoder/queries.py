"""Training queries of a dual encoder, and the positive that each has in an epoch."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sirbench.data.tokens import TokenTable
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator


class Query(NamedTuple):
    """A training query."""

    id: str
    tokens: np.ndarray
    """Without special tokens."""
    positives: np.ndarray
    """(positives,) int64: rows of all judged-positive documents, rising."""
    itself: int = -1
    """Row of the document that the query is, where the study excludes it; -1: it is none."""

    @property
    def no_negatives(self) -> np.ndarray:
        """Rows, rising, of the documents that are no negatives of it: its positives, and itself."""
        return self.positives if self.itself < 0 else np.union1d(self.positives, [self.itself])


class Batch(NamedTuple):
    """The queries of a step."""

    indices: np.ndarray
    """(queries,) int64: their places among all training queries."""
    queries: list[Query]
    positives: np.ndarray
    """(queries,) int64: row of the one positive of each that this epoch has."""


def make_queries(
    tokens: Mapping[str, np.ndarray],
    positives: Mapping[str, Sequence[str]],
    documents: TokenTable,
    *,
    exclude_self: bool = False,
) -> list[Query]:
    """The training queries, by id; `InputError` for a positive that is not in the collection.

    With `exclude_self` a query knows the document that has its id.
    """
    judged = [(query, document) for query in tokens for document in positives[query]]
    rows = documents.ids.get_indexer(pd.Index([document for _, document in judged], dtype=object))
    if (rows < 0).any():
        query, missing = judged[int((rows < 0).argmax())]
        raise InputError(
            f"training query {query!r}: its judged-positive document {missing!r} is not in the collection; "
            "do the judgements belong to another one?"
        )
    ends = np.cumsum([len(positives[query]) for query in tokens])[:-1]
    names = pd.Index(list(tokens), dtype=object)
    itself = documents.ids.get_indexer(names) if exclude_self else np.full(len(names), -1)
    return [
        Query(query, query_tokens, np.unique(query_rows).astype(np.int64), int(own_row))
        for (query, query_tokens), query_rows, own_row in zip(
            tokens.items(), np.split(rows, ends), itself, strict=True
        )
    ]


def make_batch(queries: Sequence[Query], indices: np.ndarray, seed: int, epoch: int) -> Batch:
    """These queries, with a positive each, drawn by (seed, epoch, query id)."""
    chosen = [queries[index] for index in indices]
    positives = [random_generator("positive", seed, epoch, it.id).choice(it.positives) for it in chosen]
    return Batch(indices, chosen, np.array(positives, dtype=np.int64))
