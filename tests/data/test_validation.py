"""Validation queries: whole clusters of the training side, none of what a study trains on in any case."""

import hashlib
import random

import pytest

from sirbench.data.validation import choose_validation, read_held_out, write_held_out
from sirbench.machine.errors import InputError

QUERIES = [f"q{number}" for number in range(200)]


def made_clusters(seed):
    """Every query in one of 90 clusters, of one to several queries."""
    draw = random.Random(seed)
    return {name: f"c{draw.randrange(90)}" for name in QUERIES}


def sha(name):
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.mark.parametrize("seed", range(5))
def test_no_cluster_is_on_both_sides(seed):
    clusters = made_clusters(seed)
    chosen, held_out = choose_validation(QUERIES, clusters, 50, ())
    assert len(chosen) == len(set(chosen)) == 50
    assert set(chosen) <= held_out
    sides = [{clusters[name] for name in side} for side in (held_out, set(QUERIES) - held_out)]
    assert not sides[0] & sides[1]


def test_clusters_come_by_the_hash_of_their_name_highest_first():
    chosen, held_out = choose_validation(QUERIES, {name: name for name in QUERIES}, 7, ())
    assert set(chosen) == held_out == set(sorted(QUERIES, key=sha)[-7:])


def test_more_queries_keep_those_of_fewer():
    clusters = made_clusters(1)
    fewer, more = (choose_validation(QUERIES, clusters, number, ()) for number in (20, 60))
    assert set(fewer.queries) < set(more.queries)
    assert fewer.held_out <= more.held_out


@pytest.mark.parametrize("seed", range(5))
def test_what_is_trained_on_in_any_case_and_its_near_duplicates_are_left_alone(seed):
    clusters = made_clusters(seed)
    trained = sorted(QUERIES, key=sha)[:40]
    chosen, held_out = choose_validation(QUERIES, clusters, 30, trained)
    assert not {clusters[name] for name in trained} & {clusters[name] for name in held_out}
    assert len(chosen) == 30


def test_a_query_without_a_positive_is_held_out_with_its_cluster_and_never_chosen():
    clusters = {"a": "x", "b": "x", "c": "y"}
    chosen, held_out = choose_validation(["a", "c"], clusters, 2, ())
    assert (set(chosen), held_out) == ({"a", "c"}, {"a", "b", "c"})


def test_too_many_are_refused():
    with pytest.raises(InputError, match=r"only 3 queries .* not near-duplicates of the 1 that"):
        choose_validation(list("abcd"), dict(zip("abcd", "abcd", strict=True)), 4, ["a"])


def test_held_out_ids_read_back(tmp_path):
    write_held_out({"b", "a c", "é"}, tmp_path / "held-out.txt")
    assert read_held_out(tmp_path / "held-out.txt") == {"b", "a c", "é"}
