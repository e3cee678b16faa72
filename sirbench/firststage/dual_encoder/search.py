"""Exact search: the documents with the highest dot products, whatever blocks they come in.

A score is the dot product of float32 embeddings, computed in float64 and rounded to float32. In float32 it
would depend on the shape of the matrices that are multiplied, since that decides the order of the sum, and a
block of another size would swap neighbours. Score and document make one integer,

    key = (score as an integer of the same order) * 2^32 + place of the document's id in the alphabet

so that no two keys are equal, the highest keys are a run in the order of `sirbench.data.runs` (equal scores
by falling document id), and memory is the queries, their best keys and one block of documents.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

TILE = 2**20
"""Scores that are computed at once: few enough for a cache. (On one core, 2,000 queries and 31,000 documents
of 128 dimensions: 0.9 s; as one matrix, 6.8 s.)"""
EMPTY = torch.iinfo(torch.int64).min


def alphabetical_places(ids: pd.Index) -> np.ndarray:
    """The place (int64, from 0) of each id among all of them, sorted as strings."""
    places = np.empty(len(ids), dtype=np.int64)
    places[np.argsort(ids.to_numpy(dtype=object), kind="stable")] = np.arange(len(ids))
    return places


def search(
    queries: Tensor, blocks: Iterable[tuple[np.ndarray, Tensor]], places: np.ndarray, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (queries, depth) int64 and scores (queries, depth) float32 of each query's best documents.

    By falling score, then by falling place.

    Args:
        queries: embeddings (queries, width) float32.
        blocks: rows (int64) of documents and their embeddings (rows, width) on the same device; every
            document in one block.
        places: the place of every row in the alphabet, from `alphabetical_places`.
        depth: how many documents a query gets, at most as many as there are.
    """
    assert depth <= len(places), (depth, len(places))
    best = torch.full((len(queries), depth), EMPTY, device=queries.device)
    queries = queries.double()
    for rows, embeddings in blocks:
        block_places = torch.from_numpy(places[rows]).to(queries.device)
        transposed = embeddings.double().T
        size = max(1, TILE // max(1, len(rows)))
        for start in range(0, len(queries), size):
            tile = slice(start, start + size)
            keys = _keys((queries[tile] @ transposed).float(), block_places)
            best[tile] = torch.cat([best[tile], keys], dim=1).topk(depth, dim=1, sorted=False).values
    best = best.sort(dim=1, descending=True).values
    assert len(best) == 0 or int(best.min()) != EMPTY, "the blocks do not hold all documents"
    row_at = np.argsort(places)
    return row_at[(best & 0xFFFFFFFF).cpu().numpy()], _scores(best).cpu().numpy()


def _keys(scores: Tensor, places: Tensor) -> Tensor:
    """Scores (queries, documents) and places (documents,) as keys of the same shape as the scores.

    The bits of a float rise with it as an integer if it is positive, and fall if it is negative. Adding 0
    turns -0 into 0.
    """
    return (_flip((scores + 0.0).view(torch.int32)).long() << 32) | places


def _scores(keys: Tensor) -> Tensor:
    """The scores in keys: `_keys` backwards."""
    return _flip((keys >> 32).int()).view(torch.float32)


def _flip(bits: Tensor) -> Tensor:
    """Turn the order of the negative ones; twice is nothing."""
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
