"""MaxP: a document that does not fit beside a query is read in passages, and gets the best of their scores.

Source: Z. Dai and J. Callan, Deeper Text Understanding for IR with Contextual Neural Language Modeling,
SIGIR 2019: windows that overlap by half, of which the best counts (MaxP), or the first (FirstP). A window is
as long here as the query leaves room for, so a document that fits is one passage, and its input is FirstP's.
"""

from typing import NamedTuple

import numpy as np

from sirbench.data.tokens import TokenPairs
from sirbench.study.scale import Input


class Passages(NamedTuple):
    """The passages of some pairs, those of a pair together and in the document's order."""

    pairs: np.ndarray
    """(passages,) int64: the pair that each is of."""
    numbers: np.ndarray
    """(passages,) int64: its number in the document, from 0."""
    counts: np.ndarray
    """(pairs,) int64: how many passages each pair has."""

    def best(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The best score (pairs,) of each pair, and the number (pairs,) of its passage; ties: the earlier.

        `scores` (passages,) float32 are those of the passages. One that is no number is the best, so that it
        is not hidden.
        """
        table = np.full((len(self.counts), self.counts.max(initial=1)), -np.inf, dtype=scores.dtype)
        table[self.pairs, self.numbers] = scores
        numbers = table.argmax(axis=1)
        return table[np.arange(len(table)), numbers], numbers


def passages_of(store: TokenPairs, queries: np.ndarray, documents: np.ndarray, input: Input) -> Passages:
    """Every passage of the pairs of rows (pairs,): as many as cover the document, `max_passages` at most."""
    room = store.template.max_tokens - store.template.special - store.queries.lengths(queries)
    beyond = (store.documents.lengths(documents) - room).clip(min=0)
    counts = (1 + -(-beyond // input.step)).clip(max=input.max_passages)
    pairs = np.repeat(np.arange(len(counts)), counts)
    return Passages(pairs, np.arange(len(pairs)) - np.repeat(counts.cumsum() - counts, counts), counts)
