"""BM25 over documents whose words have weights instead of frequencies, as arrays by word.

Lucene's variant, as in `sirbench.firststage.bm25`, with the weight w(t, d) instead of f(t, d) and the sum of
a document's weights instead of its length; a document contains a word if the word's weight there is positive:

    score(q, d) = sum over words t of q: idf(t) * w(t, d) / (w(t, d) + k1 * (1 - b + b * |d| / mean |d|))
    idf(t) = ln(1 + (N - df(t) + .5) / (df(t) + .5)),  |d| = sum over t: w(t, d)

What each (word, document) adds to a score is computed once (Lù, arXiv 2407.03618). A posting takes 8 bytes
while documents are read and 8 bytes in the index; nothing else grows with the length of the documents.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Postings(NamedTuple):
    """The distinct words of documents and their weights, one document after another."""

    counts: np.ndarray
    """(documents,) int64: the number of words of each document, which may be 0."""
    words: np.ndarray
    """(postings,) int32: the words, as numbers."""
    weights: np.ndarray
    """(postings,) float32: their weights, which are positive."""


class WeightedIndex(NamedTuple):
    """The postings of every word, one word after another; documents are rows in the order they were read."""

    documents: int
    starts: np.ndarray
    """(words + 1,) int64: where the postings of each word start."""
    rows: np.ndarray
    """(postings,) int32: documents, ascending within a word."""
    contributions: np.ndarray
    """(postings,) float32: what the word adds to the document's score."""

    def scores(self, words: Sequence[int]) -> np.ndarray:
        """The scores (documents,) float32 of all documents; a repeated word counts each time."""
        scores = np.zeros(self.documents, dtype=np.float32)
        for word in words:
            if word < len(self.starts) - 1:  # other words have no posting
                here = slice(self.starts[word], self.starts[word + 1])
                scores[self.rows[here]] += self.contributions[here]
        return scores


def build_index(batches: Iterable[Postings], *, k1: float, b: float) -> WeightedIndex:
    """The index of batches of documents; the memory of a batch is freed when its postings are copied."""
    parts = list(batches)
    df = _document_frequencies(parts)
    lengths = np.concatenate([np.empty(0), *(_lengths(part) for part in parts)])
    idf = np.log1p((len(lengths) - df + 0.5) / (df + 0.5))
    norms = k1 * (1 - b + b * lengths / (lengths.mean() if lengths.any() else 1.0))

    starts = np.concatenate([[0], df.cumsum()])
    index = WeightedIndex(
        len(lengths), starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    )
    free = starts[:-1].copy()  # where the next posting of each word goes
    first_row = 0
    parts.reverse()
    while parts:
        counts, words, weights = parts.pop()
        rows = np.repeat(np.arange(first_row, first_row + len(counts)), counts)
        order = np.argsort(words, kind="stable")
        rows, words, weights = rows[order], words[order], weights[order].astype(np.float64)
        distinct, run_starts, runs = np.unique(words, return_index=True, return_counts=True)
        places = free[words] + np.arange(len(words)) - np.repeat(run_starts, runs)
        index.rows[places] = rows
        index.contributions[places] = idf[words] * weights / (weights + norms[rows])
        free[distinct] += runs
        first_row += len(counts)
    return index


def _document_frequencies(parts: Sequence[Postings]) -> np.ndarray:
    """(words,) int64: the number of documents that contain each word."""
    df = np.zeros(1 + max((int(part.words.max(initial=-1)) for part in parts), default=-1), dtype=np.int64)
    for part in parts:
        np.add.at(df, part.words, 1)
    return df


def _lengths(part: Postings) -> np.ndarray:
    """(documents,) float64: the sum of each document's weights."""
    documents = np.repeat(np.arange(len(part.counts)), part.counts)
    return np.bincount(documents, weights=part.weights, minlength=len(part.counts))
