"""Labels, worked out by hand."""

import numpy as np
import pytest

from sirbench.firststage.lexical.words import Words
from sirbench.firststage.term_weights.labels import first_sentence, query_term_recall


def test_query_term_recall_is_the_share_of_queries_that_have_the_word():
    words = Words()
    document = words.learn("sparse matrices are stored by rows; a matrix is solved")
    assert list(words.stems) == ["spars", "matric", "store", "row", "matrix", "solv"]
    queries = ["store a matrix", "the storing of rows", "matrix matrix norm", "of"]
    labels = query_term_recall(np.array(document), [words.learn(query) for query in queries])
    # matrix is in two of four queries (once each), store in two, rows in one; of the rest none.
    assert labels.tolist() == [0.0, 0.0, 0.5, 0.25, 0.5, 0.0]
    assert labels.dtype == np.float32


def test_every_occurrence_has_the_label():
    assert query_term_recall(np.array([3, 1, 3]), [[3]]).tolist() == [1.0, 0.0, 1.0]


def test_queries_without_words_count():
    assert query_term_recall(np.array([0, 1]), [[], [1]]).tolist() == [0.0, 0.5]
    assert query_term_recall(np.array([0, 1]), [[]]).tolist() == [0.0, 0.0]
    assert query_term_recall(np.array([], dtype=np.int64), [[0]]).tolist() == []


@pytest.mark.parametrize(
    ("text", "beginning", "rest"),
    [
        ("Return x. Then y. Then z.", "Return x.", "Then y. Then z."),
        ("Is 3.5 a number? Yes", "Is 3.5 a number?", "Yes"),
        ("Only one sentence.", "Only one sentence.", ""),
        ("no stop at all", "no stop at all", ""),
        ("word", "word", ""),
        ("", "", ""),
        ("w " * 40 + "end. Next", "w " * 31 + "w", "w " * 8 + "end. Next"),
        ("w " * 31 + "end. Next", "w " * 31 + "end.", "Next"),
    ],
)
def test_the_first_sentence_ends_at_its_sign_or_after_32_words(text, beginning, rest):
    assert first_sentence(text) == (beginning, rest)
