"""What trained compressors pass on to the next training: the hardest of a fixed or of a redrawn block."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sirbench.fine_tuning.blocks import Scored, draw_block
from sirbench.fine_tuning.self_involvement import pass_through, score_input
from tests.fine_tuning.queries import query

sizes = st.integers(2, 30)
scores = st.sampled_from([-1.0, 0.0, 0.5, 3.0])  # so few that there are ties


def with_scores(rows, *sizes, positives=1):
    """A query with negatives 1, 2, ... and compressors that select from `sizes` documents by `rows`."""
    pairs = zip(sizes, rows, strict=True)
    compressors = tuple(Scored(size, np.array(row, dtype=np.float64)) for size, row in pairs)
    return query(positives, negatives=len(rows[0]))._replace(compressors=compressors)


def hardest(numbers, row, count):
    """Eq. 4 by a sort of Python's: the numbers (1, 2, ...) with the highest scores, equal ones by rank."""
    return sorted(numbers, key=lambda number: (-row[number - 1], number))[:count]


def test_the_hardest_negatives_are_kept_and_equal_ones_by_rank():
    scored = with_scores([[0.5, 2.0, -1.0, 2.0, 0.5, 0.5]], 7)
    block = draw_block(scored, 5, seed=1, epoch=0)
    assert block.documents.tolist() == [1000, 2, 4, 1, 5]
    assert block.ranks.tolist() == [0, 4, 8, 2, 10]


@given(st.lists(scores, max_size=20), sizes)
def test_no_negative_left_behind_scores_higher_than_one_kept(values, size):
    scored = with_scores([values], 21)
    kept = draw_block(scored, size, seed=1, epoch=0).documents[1:].tolist()
    assert len(kept) == min(size - 1, len(values))
    left = set(range(1, len(values) + 1)) - set(kept)
    assert all((-values[a - 1], a) < (-values[b - 1], b) for a in kept for b in left)


three_levels = st.lists(st.integers(2, 25), min_size=3, max_size=3, unique=True).map(
    lambda drawn: sorted(drawn, reverse=True)
)
two_rows = st.integers(0, 30).flatmap(
    lambda count: st.lists(st.lists(scores, min_size=count, max_size=count), min_size=2, max_size=2)
)


@given(two_rows, three_levels, st.integers(1, 3), st.integers(0, 3), st.integers(0, 4))
def test_a_redrawn_block_passes_every_compressor_in_turn(rows, levels, positives, seed, epoch):
    """The block of the epoch, drawn as V0, V3 and V4 have it; then a sort per compressor."""
    plain = query(positives, negatives=len(rows[0]))
    block = draw_block(plain, levels[0], seed, epoch)
    expected = hardest(block.documents[1:], rows[0], levels[1] - 1)
    expected = hardest(expected, rows[1], levels[2] - 1)
    scored = with_scores(rows, *levels[:2], positives=positives)
    found = draw_block(scored, levels[2], seed, epoch)
    assert found.documents.tolist() == [block.documents[0], *expected]
    assert found.ranks.tolist() == [0, *(2 * number for number in expected)]
    assert found.keys.shape == found.documents.shape


@given(two_rows, three_levels, st.integers(0, 3), st.integers(0, 4))
def test_what_a_level_sees_is_among_what_the_level_before_sees(rows, levels, seed, epoch):
    first, second, third = levels
    seen = [
        draw_block(query(negatives=len(rows[0])), first, seed, epoch),
        draw_block(with_scores(rows[:1], first), second, seed, epoch),
        draw_block(with_scores(rows, first, second), third, seed, epoch),
    ]
    for wider, narrower in pairwise(seen):
        assert set(narrower.documents) <= set(wider.documents)


def run(lines):
    return pd.DataFrame(lines, columns=["query_id", "doc_id", "score"])


@given(two_rows, three_levels, st.integers(1, 3), st.integers(0, 3), st.integers(0, 4))
def test_a_fixed_block_is_the_same_by_the_last_run_alone(rows, levels, positives, seed, epoch):
    """That run is of what the compressors before it passed on: the hardest of it are the hardest of the block
    of epoch 0 by both."""
    plain = query(positives, negatives=len(rows[0]))
    store = SimpleNamespace(documents=SimpleNamespace(rows=lambda ids: ids.astype(np.int64)))
    by_both = draw_block(with_scores(rows, *levels[:2], positives=positives), levels[2], seed, 0)
    seen = hardest(draw_block(plain, levels[0], seed, 0).documents[1:], rows[0], levels[1] - 1)
    last = run([(plain.id, number, rows[1][number - 1]) for number in seen])
    (scored,) = pass_through([plain], last, store, levels[1])
    block = draw_block(scored, levels[2], seed, epoch, fixed=True)
    np.testing.assert_array_equal(block.documents, by_both.documents)
    np.testing.assert_array_equal(block.ranks, by_both.ranks)


def test_epochs_show_other_negatives_of_redrawn_blocks_and_the_same_of_fixed_ones():
    values = np.random.default_rng(1).normal(size=99)
    scored = with_scores([values], 88)
    redrawn, fixed = (
        [set(draw_block(scored, 48, 1, epoch, fixed=how).documents) for epoch in range(4)]
        for how in (False, True)
    )
    assert all(one != other for i, one in enumerate(redrawn) for other in redrawn[:i])
    assert all(one == fixed[0] for one in fixed)
    assert fixed[0] == redrawn[0]


def test_the_hardest_of_all_are_in_most_redrawn_blocks_and_the_easiest_in_none():
    """A candidate is in 87 of 99 blocks; a block lacks 12, too few to bring the 60th into the 47 hardest."""
    scored = with_scores([-np.arange(99.0)], 88)
    blocks = [draw_block(scored, 48, 1, epoch).documents for epoch in range(200)]
    shares = [np.mean([number in block for block in blocks]) for number in (1, 60)]
    assert abs(shares[0] - 87 / 99) < 0.1 and shares[1] == 0


@pytest.mark.parametrize(("levels", "about"), [((88, 48, 16), 0.27), ((22, 12, 4), 0.90)])
def test_a_scorer_that_never_changes_has_a_turnover_where_blocks_are_redrawn(levels, about):
    """What docs/method.md says of 100 candidates, here 99 and the positive; the standard error is .007."""
    *front, last = levels
    turnovers = {True: [], False: []}
    for number in range(300):
        values = np.random.default_rng(number).normal(size=99)
        scored = with_scores([values] * 2, *front)._replace(id=str(number))
        for fixed in turnovers:
            one, other = (set(draw_block(scored, last, 1, e, fixed=fixed).ranks[1:]) for e in (0, 1))
            turnovers[fixed].append(1 - len(one & other) / len(one | other))
    assert np.mean(turnovers[False]) == pytest.approx(about, abs=0.02)
    assert not any(turnovers[True])


# --- runs of compressors --------------------------------------------------------------------------------


def test_every_query_has_the_scores_of_its_own_run(tiny_store):
    """The second query's scores are others; of the third, which was not scored, nothing is left."""
    of_a = [("a", "d1", 0.1), ("a", "d2", 0.3), ("a", "d3", 0.2)]
    scored = run([*of_a, ("b", "d1", 9.0), ("b", "d2", 7.0)])
    rows = tiny_store.documents.rows(["d1", "d2", "d3"])
    queries = [query(name=name)._replace(negatives=rows, ranks=rows * 0 + [4, 5, 6]) for name in "abc"]
    passed = pass_through(queries, scored, tiny_store, size=9)
    assert [one.id for one in passed] == ["a", "b", "c"]
    assert [one.compressors[0].size for one in passed] == [9, 9, 9]
    assert [one.compressors[0].scores.tolist() for one in passed] == [[0.1, 0.3, 0.2], [9.0, 7.0], []]
    kept = [draw_block(one, 3, seed=1, epoch=0) for one in passed]
    assert [block.documents[1:].tolist() for block in kept] == [rows[[1, 2]].tolist(), rows[:2].tolist(), []]
    assert [block.ranks[1:].tolist() for block in kept] == [[5, 6], [4, 5], []]


def test_a_negative_that_a_compressor_has_not_seen_is_not_kept(tiny_store):
    """And the scores of the compressor before stay with their documents."""
    rows = tiny_store.documents.rows(["d1", "d2", "d3", "d4"])
    one = query()._replace(negatives=rows, ranks=rows * 0 + [1, 2, 3, 4])
    first = run([("q", f"d{number}", float(number)) for number in (3, 1, 4, 2)])
    second = run([("q", "d4", 0.1), ("q", "d2", 0.2)])
    (scored,) = pass_through(pass_through([one], first, tiny_store, 5), second, tiny_store, 4)
    assert scored.negatives.tolist() == rows[[1, 3]].tolist() and scored.ranks.tolist() == [2, 4]
    assert [each.scores.tolist() for each in scored.compressors] == [[2.0, 4.0], [0.2, 0.1]]
    assert [each.size for each in scored.compressors] == [5, 4]


class ByNumber:
    """An encoder whose score of a document is its row."""

    def __init__(self, store):
        self.store, self.model, self.pairs = store, torch.nn.Identity(), []

    def score(self, queries, documents):
        self.pairs += list(zip(queries.tolist(), documents.tolist(), strict=True))
        return torch.tensor(documents, dtype=torch.float32)


def test_a_compressor_scores_what_may_be_drawn_once(tiny_store):
    rows = tiny_store.documents.rows([f"d{number}" for number in range(1, 31)])
    queries = [query(name=name)._replace(negatives=rows, ranks=rows) for name in "ab"]
    for fixed, expected in ((True, 9), (False, 30)):
        encoder = ByNumber(tiny_store)
        scored = score_input(encoder, queries, 10, seed=1, fixed=fixed)
        assert list(scored.groupby("query_id").size()) == [expected] * 2
        assert len(encoder.pairs) == 2 * expected
        for one in queries:
            found = tiny_store.documents.rows(scored[scored["query_id"] == one.id]["doc_id"].to_numpy())
            seen = draw_block(one, 10, 1, 0).documents[1:] if fixed else rows
            assert set(found) == set(seen)
