"""From predictions to a document's weights: by hand, and by a loop."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirbench.firststage.term_weights.document_weights import combine, term_frequencies
from sirbench.firststage.term_weights.passages import Passage


def passage(number, *words):
    places = np.arange(len(words), dtype=np.int32)
    return Passage(number, places, np.array(words, dtype=np.int32), places)


def weights(documents, predictions, combination):
    """Weights by word of each document."""
    predictions = [np.array(one, dtype=np.float32) for one in predictions]
    counts, words, values = combine(documents, predictions, combination)
    assert len(counts) == len(documents)
    ends = np.cumsum(counts)
    return [
        dict(zip(words[end - count : end].tolist(), values[end - count : end].tolist(), strict=True))
        for count, end in zip(counts, ends, strict=True)
    ]


def test_a_frequency_is_a_hundred_times_the_square_root_of_the_prediction():
    predictions = np.array([0.0, 0.25, 1.0, 0.5, 0.0004, 0.00002, -0.3], dtype=np.float32)
    assert term_frequencies(predictions).tolist() == [0, 50, 100, 71, 2, 0, 0]


DOCUMENT = [passage(1, 7, 4, 7), passage(2, 7, 9), passage(3, 4)]
PREDICTIONS = [[0.04, 0.25, 0.16], [0.09, 1.0], [0.01]]
"""As frequencies: 20 50 40, 30 100, 10."""


@pytest.mark.parametrize(
    ("combination", "expected"),
    [
        ("sum", {7: 40 + 30, 4: 50 + 10, 9: 100}),
        ("decay", {7: 40 + 30 / 2, 4: round(50 + 10 / 3), 9: 100 / 2}),
    ],
)
def test_passages_are_summed_after_the_largest_occurrence_of_each(combination, expected):
    assert weights([DOCUMENT], PREDICTIONS, combination) == [expected]


def test_decay_goes_by_the_place_in_the_document_also_where_passages_are_left_out():
    assert weights([[passage(2, 1), passage(5, 1)]], [[1.0], [1.0]], "decay") == [{1: 100 / 2 + 100 / 5}]


def test_words_without_weight_and_documents_without_words_have_no_posting():
    documents = [[], [passage(1, 3, 5)], [passage(1, 3)], []]
    assert weights(documents, [[-1.0, 0.01], [0.0]], "sum") == [{}, {5: 10}, {}, {}]
    assert weights([[], []], [], "decay") == [{}, {}]
    assert weights([], [], "decay") == []


PASSAGES = st.lists(st.tuples(st.integers(0, 4), st.floats(-0.5, 1.5, width=32)), min_size=1, max_size=6)


@given(st.lists(st.lists(PASSAGES, max_size=4), max_size=4), st.sampled_from(["sum", "decay"]))
def test_it_is_what_a_loop_finds(texts, combination):
    documents = [
        [passage(i, *(word for word, _ in one)) for i, one in enumerate(text, start=1)] for text in texts
    ]
    predictions = [[value for _, value in one] for text in texts for one in text]
    expected = []
    for text in texts:
        total = {}
        for i, one in enumerate(text, start=1):
            largest = {}
            for word, value in one:
                frequency = round(100 * math.sqrt(max(value, 0)))
                largest[word] = max(largest.get(word, 0), frequency)
            for word, frequency in largest.items():
                total[word] = total.get(word, 0) + (frequency / i if combination == "decay" else frequency)
        expected.append({word: round(value) for word, value in total.items() if round(value)})
    assert weights(documents, predictions, combination) == expected
