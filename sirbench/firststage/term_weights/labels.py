"""The labels of the regression: what a word of a passage should weigh.

*Query term recall* (Dai and Callan, arXiv 1910.10687; HDCT's supervision by relevance) is the share of the
queries of a document that contain the word,

    y(t, d) = |Q(d, t)| / |Q(d)|

where words are compared by their stems. A document's labels apply to each of its passages.

*First sentence* (after HDCT's supervision by content, which uses a document's title and the anchors of its
inlinks as queries): 1 for a word that occurs in the document's beginning, 0 for any other. The beginning is
the text up to the end of the first sentence, at most 32 words; it includes the title if ir_datasets gives a
document as "title text". Only the rest of the document is labelled, because the position of the beginning
would reveal it.
"""

import re
from collections.abc import Sequence

import numpy as np

_BEGINNING = re.compile(r"(?:\S+\s+){,31}?\S*[.!?](?=\s|$)|(?:\S+(?:\s+|$)){,32}")


def query_term_recall(words: np.ndarray, queries: Sequence[Sequence[int]]) -> np.ndarray:
    """The labels (words,) float32 of words (words,), from the words of each of the document's queries.

    A query without any word still counts as a query; there must be at least one query.
    """
    assert queries, "a document without queries has no labels"
    in_queries = np.array([word for query in queries for word in set(query)], dtype=np.int64)
    distinct, counts = np.unique(in_queries, return_counts=True)
    labels = np.zeros(len(words), dtype=np.float32)
    if len(distinct):
        places = np.minimum(np.searchsorted(distinct, words), len(distinct) - 1)
        found = distinct[places] == words
        labels[found] = (counts / len(queries))[places[found]]
    return labels


def first_sentence(text: str) -> tuple[str, str]:
    """The beginning of a text, and the rest, which may be empty."""
    beginning = _BEGINNING.match(text)
    assert beginning is not None  # it matches the empty string too
    end = beginning.end()
    return text[:end].rstrip(), text[end:].lstrip()
