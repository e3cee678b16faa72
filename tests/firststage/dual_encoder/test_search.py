"""Exact search: the brute force in float64 is the specification, whatever the blocks."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sirbench.data.runs import sort_run
from sirbench.firststage.dual_encoder import search as module
from sirbench.firststage.dual_encoder.search import alphabetical_places, search


def brute_force(queries, documents, ids, depth):
    """Ids and scores by a loop: float64 products rounded to float32; ties by falling id."""
    found, scores = [], []
    for query in queries.astype(np.float64):
        pairs = [
            (float(np.float32(sum(a * b for a, b in zip(query, document, strict=True)))), name)
            for document, name in zip(documents.astype(np.float64), ids, strict=True)
        ]
        best = sorted(pairs, reverse=True)[:depth]
        found.append([name for _, name in best])
        scores.append([score for score, _ in best])
    return found, scores


def search_in_blocks(queries, documents, ids, depth, cuts):
    blocks = np.split(np.arange(len(documents)), sorted(cuts))
    parts = [(rows, torch.from_numpy(documents[rows])) for rows in blocks if len(rows)]
    rows, scores = search(torch.from_numpy(queries), parts, alphabetical_places(pd.Index(ids)), depth)
    return np.array(ids)[rows].tolist(), scores.tolist()


@given(st.data())
def test_it_is_the_brute_force_whatever_the_blocks(data):
    """Few different values: many scores are equal, and the order of equal ones is part of the answer."""
    count, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    queries = draw.integers(-2, 3, (3, width)).astype(np.float32)
    documents = draw.integers(-2, 3, (count, width)).astype(np.float32)
    ids = [f"d{number}" for number in draw.permutation(count)]  # d10 stands before d2
    depth = data.draw(st.integers(1, count))
    cuts = data.draw(st.lists(st.integers(0, count), max_size=4))
    expected = brute_force(queries, documents, ids, depth)
    assert search_in_blocks(queries, documents, ids, depth, cuts) == expected


@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 50, 199], range(0, 200, 3)])
@pytest.mark.parametrize("tile", [2**20, 64])
def test_not_a_bit_depends_on_the_size_of_a_block(cuts, tile, monkeypatch):
    draw = np.random.default_rng(1)
    queries = draw.normal(size=(9, 48)).astype(np.float32)
    documents = draw.normal(size=(200, 48)).astype(np.float32)
    ids = [f"d{i}" for i in range(200)]
    expected = search_in_blocks(queries, documents, ids, 20, [100])
    monkeypatch.setattr(module, "TILE", tile)
    assert search_in_blocks(queries, documents, ids, 20, cuts) == expected
    assert expected[0] == brute_force(queries, documents, ids, 20)[0]


def test_a_positive_zero_and_a_negative_one_are_a_tie():
    queries, documents = np.array([[1.0]], np.float32), np.array([[-0.0], [0.0], [-1.0]], np.float32)
    assert search_in_blocks(queries, documents, ["c", "b", "z"], 3, []) == ([["c", "b", "z"]], [[0, 0, -1]])


def test_the_order_is_that_of_runs():
    draw = np.random.default_rng(2)
    queries, documents = draw.integers(-1, 2, (4, 2)), draw.integers(-1, 2, (30, 2))
    ids = [str(number) for number in range(30)]
    found, scores = search_in_blocks(queries.astype(np.float32), documents.astype(np.float32), ids, 30, [9])
    run = pd.DataFrame({"query_id": np.repeat(list("abcd"), 30), "doc_id": np.ravel(found)})
    run["score"] = np.ravel(scores)
    assert sort_run(run)["doc_id"].tolist() == run["doc_id"].tolist()


def test_no_queries_get_nothing():
    rows, scores = search(torch.zeros(0, 3), [(np.arange(2), torch.zeros(2, 3))], np.arange(2), 1)
    assert rows.shape == scores.shape == (0, 1)
