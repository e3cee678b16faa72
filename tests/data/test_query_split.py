"""Sides and folds as properties: partitions with no near-duplicate in another part."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sirbench.data import collections
from sirbench.data.query_split import alike, folds, read_folds, sides, write_folds

WORDS = ["alpha", "beta", "gamma", "delta", "Epsilon", "ZETA", "eta", "theta"]
QUERIES = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4),
    st.lists(st.sampled_from(WORDS), min_size=0, max_size=6).map(" ".join),
    min_size=1,
    max_size=40,
)


def jaccard(one, other):
    one, other = set(one.casefold().split()), set(other.casefold().split())
    return len(one & other) / len(one | other) if one and other else 0.0


@settings(max_examples=60, deadline=None)
@given(QUERIES, st.integers(2, 7))
def test_each_query_is_in_one_fold_and_its_near_duplicates_are_in_the_same(queries, number):
    fold = folds(queries, number)
    assert fold.keys() == queries.keys() and set(fold.values()) <= set(range(1, number + 1))
    for one, other in combinations(queries, 2):
        if jaccard(queries[one], queries[other]) >= 0.6:
            assert fold[one] == fold[other]


@settings(max_examples=60, deadline=None)
@given(QUERIES, st.floats(0.1, 0.9))
def test_near_duplicates_are_on_one_side(queries, share):
    side = sides(queries, share)
    assert list(side) == list(queries) and set(side.values()) <= {"train", "dev"}
    for one, other in combinations(queries, 2):
        if jaccard(queries[one], queries[other]) >= 0.6:
            assert side[one] == side[other]


def test_pairs_that_differ_in_a_word_are_on_one_side_and_others_stay_where_they_are():
    draw = np.random.default_rng(5)
    texts = [" ".join(f"w{number}" for number in draw.integers(0, 10_000, 6)) for _ in range(400)]
    first = {f"a{place}": text for place, text in enumerate(texts)}
    pairs = first | {f"b{place}": f"{text} more" for place, text in enumerate(texts)}
    before, after = sides(first, 0.2), sides(pairs, 0.2)
    assert all(after[f"a{place}"] == after[f"b{place}"] for place in range(len(texts)))
    assert 0.14 < list(before.values()).count("dev") / 400 < 0.26
    assert 0.14 < list(after.values()).count("dev") / 800 < 0.26
    added = first | {"new": "something else altogether, of other words"}
    assert {query_id: sides(added, 0.2)[query_id] for query_id in first} == before


@settings(max_examples=30, deadline=None)
@given(QUERIES, st.integers(2, 7))
def test_folds_differ_by_no_more_than_the_largest_cluster(queries, number):
    cluster, fold = list(alike(queries).values()), list(folds(queries, number).values())
    sizes = [fold.count(each) for each in range(1, number + 1)]
    assert max(sizes) - min(sizes) <= max(cluster.count(name) for name in cluster)
    assert (min(sizes) == 0) == (len(set(cluster)) < number)


@settings(max_examples=30, deadline=None)
@given(QUERIES, st.randoms())
def test_the_order_of_queries_does_not_matter(queries, random):
    shuffled = list(queries.items())
    random.shuffle(shuffled)
    assert folds(dict(shuffled), 3) == folds(queries, 3)


def test_a_file_of_folds(tmp_path):
    fold = {"q1": 2, "a b": 1, "ä": 11}
    write_folds(fold, tmp_path / "folds.tsv")
    assert read_folds(tmp_path / "folds.tsv") == fold


@pytest.mark.usefixtures("caches")
@pytest.mark.parametrize("name", ["vaswani", "cranfield"])
def test_folds_of_real_queries_are_of_one_size(name):
    """225 queries of Cranfield, 93 of Vaswani: hardly any two are alike."""
    fold = list(folds(collections.all_queries(name), 5).values())
    sizes = [fold.count(each) for each in range(1, 6)]
    assert max(sizes) - min(sizes) <= 2 and sum(sizes) in (93, 225)
