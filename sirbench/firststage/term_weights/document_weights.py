"""From predictions for the words of passages to integer weights for the words of documents.

    tf(t, p) = round(N * sqrt(max(y^(t, p), 0)))         N = 100, the maximum over the word's occurrences in p
    w(t, d)  = round(sum over passages p_i of d: pw_i * tf(t, p_i))

with pw_i = 1 (`sum`) or pw_i = 1 / i (`decay`): Dai and Callan, *Context-Aware Document Term Weighting for
Ad-Hoc Search*, TheWebConf 2020. The maximum over occurrences is as in their script (AdeDZY/DeepCT,
HDCT/passage2doc_bert_term_sample_to_json.py), which truncates w to an integer instead of rounding.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from sirbench.firststage.lexical.weighted_index import Postings
from sirbench.firststage.term_weights.passages import Passage

SCALE = 100
"""N, which keeps two digits of a weight."""

Combination = Literal["decay", "sum"]


def term_frequencies(predictions: np.ndarray) -> np.ndarray:
    """tf, int64, of predictions of any shape."""
    frequencies: np.ndarray = np.rint(SCALE * np.sqrt(np.maximum(predictions.astype(np.float64), 0)))
    return frequencies.astype(np.int64)


def combine(
    documents: Sequence[Sequence[Passage]], predictions: Sequence[np.ndarray], combination: Combination
) -> Postings:
    """The weighted words of documents; words of weight 0 are left out.

    `predictions` has an array (words,) for each passage, one document after another.
    """
    passages = [passage for document in documents for passage in document]
    sizes = [len(passage.words) for passage in passages]
    document = np.repeat(np.arange(len(documents)), [len(passages) for passages in documents])
    number = np.array([passage.number for passage in passages], dtype=np.int64)
    words = _concatenate([passage.words for passage in passages])
    frequencies = term_frequencies(_concatenate(predictions))

    # The maximum over a word's occurrences in a passage.
    occurrence_of = np.repeat(np.arange(len(passages)), sizes)
    firsts, order = _runs(occurrence_of, words)
    largest = np.maximum.reduceat(frequencies[order], firsts) if len(firsts) else frequencies
    passage_of, words = occurrence_of[order][firsts], words[order][firsts]

    # The sum over the passages of a document.
    decay = number[passage_of] if combination == "decay" else 1
    document_of, shares = document[passage_of], largest / decay
    firsts, order = _runs(document_of, words)
    weights = np.rint(np.add.reduceat(shares[order], firsts) if len(firsts) else shares)
    document_of, words = document_of[order][firsts], words[order][firsts]
    kept = weights > 0
    return Postings(
        counts=np.bincount(document_of[kept], minlength=len(documents)),
        words=words[kept].astype(np.int32),
        weights=weights[kept].astype(np.float32),
    )


def _runs(groups: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An order that sorts by group and word, and where in it each distinct pair starts: (starts, order)."""
    order = np.lexsort((words, groups))
    groups, words = groups[order], words[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (groups[1:] != groups[:-1]) | (words[1:] != words[:-1])
    return np.flatnonzero(new), order


def _concatenate(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if len(arrays) else np.empty(0, dtype=np.int64)
