"""The weighted index: the formula in a float64 loop, and BM25 itself where weights are frequencies."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirbench.data.documents import Document
from sirbench.firststage.bm25 import BM25
from sirbench.firststage.lexical.ranking import rank
from sirbench.firststage.lexical.weighted_index import Postings, build_index
from sirbench.firststage.lexical.words import Words

WEIGHTS = [{0: 3.0, 2: 10.0}, {}, {1: 1.0}, {0: 120.0, 1: 7.0, 2: 2.0}, {2: 1.0}]


def postings(documents):
    """Documents, each weights by word, as one batch."""
    return Postings(
        np.array([len(document) for document in documents], dtype=np.int64),
        np.array([word for document in documents for word in document], dtype=np.int32),
        np.array([weight for document in documents for weight in document.values()], dtype=np.float32),
    )


def score(query, document, documents, k1, b):
    """The formula of the module's docstring, term by term."""
    mean = sum(sum(one.values()) for one in documents) / len(documents)
    total = 0.0
    for word in query:
        df = sum(word in one for one in documents)
        if word in document:
            norm = k1 * (1 - b + b * sum(document.values()) / mean)
            idf = math.log(1 + (len(documents) - df + 0.5) / (df + 0.5))
            total += idf * document[word] / (document[word] + norm)
    return total


@pytest.mark.parametrize(("k1", "b"), [(0.9, 0.4), (10.0, 0.9), (100.0, 0.0)])
@pytest.mark.parametrize("query", [[0], [2, 1], [1, 1, 0], [], [7]])
@pytest.mark.parametrize("cut", [0, 1, 2, 5])
def test_scores_are_the_formula_s(query, k1, b, cut):
    """However documents are cut into batches; word 7 is in none."""
    index = build_index([postings(WEIGHTS[:cut]), postings(WEIGHTS[cut:])], k1=k1, b=b)
    expected = [score(query, document, WEIGHTS, k1, b) for document in WEIGHTS]
    assert index.scores(query).tolist() == pytest.approx(expected, rel=1e-5)


def test_rows_rise_within_a_word():
    index = build_index([postings(WEIGHTS[:2]), postings(WEIGHTS[2:])], k1=1, b=0.5)
    rows = [
        index.rows[start:end].tolist() for start, end in zip(index.starts, index.starts[1:], strict=False)
    ]
    assert rows == [[0, 3], [2, 3], [0, 3, 4]]


def test_documents_without_any_weight_score_nothing():
    index = build_index([postings([{}, {}])], k1=1, b=0.5)
    assert index.scores([0, 1]).tolist() == [0.0, 0.0]


TEXT = st.lists(st.sampled_from(["cat", "Cats", "dog", "bird", "the", "zebra", "nest"]), max_size=8).map(
    " ".join
)


@given(st.lists(TEXT, min_size=1, max_size=12), st.lists(TEXT, min_size=1, max_size=3), st.integers(1, 5))
def test_with_frequencies_for_weights_it_is_bm25(texts, queries, depth):
    words = Words()
    frequencies = [dict(Counter(words.learn(text))) for text in texts]
    documents = [Document(f"d{i}", text) for i, text in enumerate(texts)]
    queries = {f"q{i}": text for i, text in enumerate(queries)}
    if not words:
        return
    run = BM25().retrieve(documents, queries, depth=len(texts))
    index = build_index([postings(frequencies[:3]), postings(frequencies[3:])], k1=0.9, b=0.4)
    ours = rank([d.doc_id for d in documents], queries, words, index.scores, depth=len(texts), name="")
    expected = {(query, document): value for query, document, value in run.itertuples(index=False)}
    found = {(query, document): value for query, document, value in ours.itertuples(index=False)}
    assert found == pytest.approx(expected, rel=1e-5)
    shorter = rank([d.doc_id for d in documents], queries, words, index.scores, depth=depth, name="")
    assert shorter.equals(ours.groupby("query_id", sort=False).head(depth).reset_index(drop=True))
