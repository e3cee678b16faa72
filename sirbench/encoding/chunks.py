"""Cutting pairs into chunks of similar length under a token budget."""

import numpy as np


def chunks_by_length(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Indices of `lengths` (pairs,) in chunks, longest pairs first, every pair in exactly one.

    A chunk's padded size, pairs times its longest, stays within `budget` tokens; a single pair that is
    longer than the budget is a chunk of its own. Longest first, so that running out of memory shows
    at once. Ties keep their order, so the same lengths always give the same chunks.
    """
    assert lengths.ndim == 1 and budget >= 1, (lengths.shape, budget)
    order = np.argsort(-lengths, kind="stable")
    chunks, start = [], 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        chunks.append(order[start : start + size])
        start += size
    return chunks
