"""Which documents a block has, and that it is the same wherever and whenever it is drawn."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirbench.fine_tuning.blocks import draw_block, training_queries
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator
from tests.fine_tuning.queries import query


def qrels(*lines):
    return pd.DataFrame(lines, columns=["query_id", "doc_id", "relevance"])


def run(*lines):
    return pd.DataFrame([(*line, 1.0) for line in lines], columns=["query_id", "doc_id", "score"])


sizes, counts, seeds = st.integers(2, 30), st.integers(0, 40), st.integers(0, 5)


@given(sizes, st.integers(1, 4), counts, seeds, seeds, st.booleans())
def test_a_block_is_a_positive_and_distinct_negatives(size, positives, negatives, seed, epoch, fixed):
    drawn_from = query(positives, negatives)
    block = draw_block(drawn_from, size, seed, epoch, fixed=fixed)
    assert block.query == 7
    assert block.documents[0] in drawn_from.positives and block.ranks[0] == 0
    assert len(set(block.documents[1:])) == len(block.documents) - 1 == min(size - 1, negatives)
    assert set(block.documents[1:]) <= set(drawn_from.negatives)
    np.testing.assert_array_equal(block.ranks[1:], 2 * block.documents[1:])
    assert block.keys.shape == block.documents.shape and block.keys.dtype == np.float32
    assert ((block.keys >= 0) & (block.keys < 1)).all()


@given(st.permutations(["a", "b", "c", "d"]), seeds, seeds)
def test_a_block_depends_on_seed_epoch_and_query_alone(order, seed, epoch):
    alone = {name: draw_block(query(3, name=name), 6, seed, epoch) for name in "abcd"}
    for name in order:
        np.random.default_rng().random()
        again = draw_block(query(3, name=name), 6, seed, epoch)
        for one, other in zip(alone[name], again, strict=True):
            np.testing.assert_array_equal(one, other)


def test_blocks_are_the_same_on_every_machine():
    # The key is the first 16 bytes of sha256("a\x1f1"), read as a little-endian number (by sha256sum).
    philox = np.random.Philox(key=int.from_bytes(bytes.fromhex("839e11a421d370be28db56fde67e9aad"), "little"))
    assert random_generator("a", 1).random() == np.random.Generator(philox).random()


@pytest.mark.parametrize("change", [{"seed": 2}, {"epoch": 1}, {"name": "other"}])
def test_other_seeds_epochs_and_queries_draw_other_blocks(change):
    def draw(seed=1, epoch=0, name="q"):
        return draw_block(query(negatives=50, name=name), 10, seed, epoch)

    assert set(draw().documents) != set(draw(**change).documents)
    assert not np.array_equal(draw().keys, draw(**change).keys)


def test_every_negative_is_as_likely_as_any_other():
    drawn = Counter(
        int(number) for epoch in range(2000) for number in draw_block(query(), 6, 1, epoch).documents[1:]
    )
    # 5 of 20, 2000 times: 500 each, with a standard deviation of 19.4.
    assert all(abs(drawn[number] - 500) < 5 * 19.4 for number in range(1, 21))


def test_every_positive_gets_its_turn():
    drawn = Counter(int(draw_block(query(positives=3), 4, 1, epoch).documents[0]) for epoch in range(300))
    assert all(60 < drawn[positive] < 140 for positive in (1000, 1001, 1002))


def test_a_fixed_block_keeps_its_documents_and_draws_new_keys():
    first, second = (draw_block(query(positives=3), 6, 1, epoch, fixed=True) for epoch in (0, 5))
    np.testing.assert_array_equal(first.documents, second.documents)
    np.testing.assert_array_equal(first.documents, draw_block(query(positives=3), 6, 1, 0).documents)
    assert not np.array_equal(first.keys, second.keys)


def test_negatives_are_the_candidates_without_any_positive(tiny_store):
    judged = qrels(("q1", "d3", 1), ("q1", "d5", 2), ("q1", "d4", 0), ("q1", "d6", -1), ("q2", "d1", 1))
    candidates = run(("q1", "d9"), ("q1", "d5"), ("q1", "d4"), ("q1", "d1"), ("q2", "d3"), ("q1", "d6"))
    first, second = training_queries(["q1", "q2"], judged, candidates, tiny_store)
    rows = tiny_store.documents.rows
    assert first.id == "q1" and first.row == tiny_store.queries.rows(["q1"])[0]
    assert first.positives.tolist() == rows(["d3", "d5"]).tolist()  # d3 although the candidates lack it
    assert (
        first.negatives.tolist() == rows(["d9", "d4", "d1", "d6"]).tolist()
    )  # judged 0 or -1 is no positive
    assert first.ranks.tolist() == [1, 3, 4, 5]  # in the candidates, where d5 is second
    assert second.negatives.tolist() == rows(["d3"]).tolist()  # a positive of another query


def test_the_order_of_the_judgements_changes_nothing(tiny_store):
    judged = qrels(*[("q1", f"d{i}", 1) for i in range(1, 8)])
    (one,) = training_queries(["q1"], judged, run(), tiny_store)
    (other,) = training_queries(["q1"], judged[::-1], run(), tiny_store)
    assert [draw_block(one, 4, 1, epoch).documents[0] for epoch in range(9)] == [
        draw_block(other, 4, 1, epoch).documents[0] for epoch in range(9)
    ]


def test_queries_keep_their_order_and_none_is_dropped(tiny_store):
    judged = qrels(*[(f"q{i}", "d1", 1) for i in range(4)])
    candidates = run(("q2", "d1"), ("q3", "d2"), ("q3", "d1"))
    queries = training_queries(["q3", "q0", "q2"], judged, candidates, tiny_store)
    assert [query.id for query in queries] == ["q3", "q0", "q2"]
    blocks = [draw_block(query, 88, 1, 0) for query in queries]
    assert [len(block.documents) for block in blocks] == [2, 1, 1]  # short, no candidates, only a positive


def test_a_query_without_a_positive_is_named(tiny_store):
    with pytest.raises(InputError, match="training query 'q2' has no judged-positive document"):
        training_queries(["q1", "q2"], qrels(("q1", "d1", 1), ("q2", "d1", 0)), run(), tiny_store)


@pytest.mark.parametrize("judged", ["d1", "d99"])
def test_a_document_that_the_collection_lacks_is_named(judged, tiny_store):
    with pytest.raises(InputError, match="'d99' is not in the token store"):
        training_queries(["q1"], qrels(("q1", judged, 1)), run(("q1", "d99"), ("q1", "d1")), tiny_store)
