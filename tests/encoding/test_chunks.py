from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sirbench.encoding.chunks import chunks_by_length

lengths = st.lists(st.integers(0, 512), max_size=200).map(np.array)


def test_longest_first_under_the_budget():
    chunks = chunks_by_length(np.array([3, 8, 5, 8, 1, 2]), budget=16)
    # 2 pairs of 8; then 3 of 5; then what is left.
    assert [chunk.tolist() for chunk in chunks] == [[1, 3], [2, 0, 5], [4]]


def test_nothing_to_cut():
    assert chunks_by_length(np.array([], dtype=np.int64), budget=16) == []


@given(lengths, st.integers(1, 5000))
def test_every_index_once_budget_kept_longest_first(lengths, budget):
    chunks = chunks_by_length(lengths, budget)
    order = [int(index) for chunk in chunks for index in chunk]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[i] for i in order] == sorted(lengths, reverse=True)
    for chunk in chunks:
        assert len(chunk) == 1 or len(chunk) * lengths[chunk].max() <= budget


@given(lengths, st.integers(1, 5000))
def test_no_chunk_could_take_the_next_pair(lengths, budget):
    for chunk in chunks_by_length(lengths, budget)[:-1]:
        assert (len(chunk) + 1) * max(1, lengths[chunk].max()) > budget


@given(lengths, st.integers(1, 5000))
def test_equal_lengths_keep_their_order(lengths, budget):
    order = np.concatenate([*chunks_by_length(lengths, budget), np.array([], dtype=np.int64)]).astype(int)
    assert all(a < b for a, b in pairwise(order) if lengths[a] == lengths[b])
