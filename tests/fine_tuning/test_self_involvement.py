"""What a trained compressor passes on to the next training: its hardest negatives."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sirbench.fine_tuning.self_involvement import keep_hardest, keep_hardest_of_all
from tests.fine_tuning.queries import query

sizes = st.integers(2, 30)


def test_the_hardest_negatives_are_kept_and_equal_ones_by_rank():
    scores = {1: 0.5, 2: 2.0, 3: -1.0, 4: 2.0, 5: 0.5, 6: 0.5, 1000: 9.0}
    kept = keep_hardest(query(negatives=6), scores, size=5)
    assert kept.negatives.tolist() == [2, 4, 1, 5]
    assert kept.ranks.tolist() == [4, 8, 2, 10]
    assert kept.positives.tolist() == [1000]


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 3.0]), max_size=20), sizes)
def test_no_negative_left_behind_scores_higher_than_one_kept(values, size):
    scores = dict(enumerate(values, start=1))
    kept = keep_hardest(query(negatives=len(values)), scores, size).negatives.tolist()
    assert len(kept) == min(size - 1, len(values))
    left = set(scores) - set(kept)
    assert all((-scores[a], a) < (-scores[b], b) for a in kept for b in left)


def test_a_negative_that_the_compressor_has_not_seen_is_not_kept():
    assert keep_hardest(query(negatives=6), {3: 0.1, 5: 0.2}, size=4).negatives.tolist() == [5, 3]


def test_every_query_has_the_hardest_of_its_own_run(tiny_store):
    """The second query's scores keep others; of the third, which was not scored, nothing is kept."""
    scored = pd.DataFrame(
        [("a", "d1", 0.1), ("a", "d2", 0.3), ("a", "d3", 0.2), ("b", "d1", 9.0), ("b", "d2", 7.0)],
        columns=["query_id", "doc_id", "score"],
    )
    rows = tiny_store.documents.rows(["d1", "d2", "d3"])
    queries = [query(name=name)._replace(negatives=rows, ranks=rows * 0 + [4, 5, 6]) for name in "abc"]
    kept = keep_hardest_of_all(queries, scored, tiny_store, size=3)
    assert [one.id for one in kept] == ["a", "b", "c"]
    assert [one.negatives.tolist() for one in kept] == [rows[[1, 2]].tolist(), rows[[0, 1]].tolist(), []]
    assert [one.ranks.tolist() for one in kept] == [[5, 6], [4, 5], []]
