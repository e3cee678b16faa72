"""What a word of a passage should weigh: the labels of the regression.

*Query term recall* (Dai and Callan, arXiv 1910.10687; HDCT's supervision by relevance): the share of
the queries of a document that have the word,

    y(t, d) = |Q(d, t)| / |Q(d)|

with words compared by their stems. The labels of a document hold in each of its passages.

*First sentence* (after HDCT's supervision by content, where a document's title and the anchors of its inlinks
stand in for queries): 1 for a word that the document's beginning has, 0 for another. The beginning is the
text up to the first sentence's end, of at most 32 words; a collection that ir_datasets gives us as "title
text" has its title there. What is labelled is the rest of the document: the beginning's place would give it
away.
"""

import re
from collections.abc import Sequence

import numpy as np

_BEGINNING = re.compile(r"(?:\S+\s+){,31}?\S*[.!?](?=\s|$)|(?:\S+(?:\s+|$)){,32}")


def query_term_recall(words: np.ndarray, queries: Sequence[Sequence[int]]) -> np.ndarray:
    """Labels (words,) float32 of words (words,), from the words of each of the document's queries.

    A query without any word counts among the queries all the same; `queries` has at least one.
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
    """The beginning of a text, and the rest of it, which may be empty."""
    end = _BEGINNING.match(text).end()
    return text[:end].rstrip(), text[end:].lstrip()
