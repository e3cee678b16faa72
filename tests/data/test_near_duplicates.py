"""Near-duplicates: every pair that a comparison of all with all finds, and no other; clusters of them."""

import random
from fractions import Fraction
from itertools import combinations

import networkx
import pytest

from sirbench.data.near_duplicates import clusters, near_duplicates, resemblance, shingles, words

SHARES = [(0.5, None), (0.6, None), (0.5, 0.8), (0.9, 0.5), (1.0, None), (0.3, 1.0)]


def made_sets(seed):
    """Sets of 0 to 12 elements, some used often and some once; many are another one with little changed."""
    draw = random.Random(seed)
    sets = [{draw.randrange(12) for _ in range(draw.randrange(7))} for _ in range(60)]
    for one in list(sets):
        sets.append(set(draw.sample(sorted(one), max(0, len(one) - 1))) | {draw.randrange(1000)})
    return sets + [set(range(length)) for length in range(12)]


@pytest.mark.parametrize("least", SHARES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_the_pairs_are_those_of_a_comparison_of_all_with_all(seed, least):
    sets = made_sets(seed)

    def alike(some, others):
        if not some or not others:
            return False
        common = len(some & others)
        contained = Fraction(common, min(len(some), len(others)))
        if least[1] is not None and contained >= Fraction(str(least[1])):
            return True
        return Fraction(common, len(some | others)) >= Fraction(str(least[0]))

    expected = [pair for pair in combinations(range(len(sets)), 2) if alike(*(sets[it] for it in pair))]
    assert near_duplicates(sets, *least) == expected
    assert expected


def test_the_order_of_elements_changes_nothing():
    sets = [[str(element) for element in one] for one in made_sets(7)]
    again = [one[::-1] for one in sets]
    assert near_duplicates(sets, 0.5, 0.8) == near_duplicates(again, 0.5, 0.8)


def test_there_are_none_of_nothing():
    assert near_duplicates([], 0.5) == []
    assert near_duplicates([set(), set(), {1}], 0.5, 0.5) == []


def test_clusters_are_the_connected_components_named_by_their_smallest_number():
    draw = random.Random(3)
    pairs = [(draw.randrange(80), draw.randrange(80)) for _ in range(50)]
    graph = networkx.Graph(pairs)
    graph.add_nodes_from(range(80))
    expected = {node: min(part) for part in networkx.connected_components(graph) for node in part}
    assert clusters(80, pairs) == [expected[node] for node in range(80)]
    assert 1 < len(set(expected.values())) < 80


def test_words_have_no_case_and_no_punctuation():
    assert words("The norm of `x`, or ||X||_2; ÀÉ.") == ["the", "norm", "of", "x", "or", "x", "_2", "àé"]


def test_shingles_are_runs_of_five_and_a_shorter_text_is_one():
    assert shingles(list("abcdef")) == {tuple("abcde"), tuple("bcdef")}
    assert shingles([1, 2, 3, 4, 5]) == {(1, 2, 3, 4, 5)}
    assert shingles([1, 2]) == {(1, 2)}
    assert shingles([]) == set()


def test_resemblance_is_the_jaccard_index():
    assert resemblance({1, 2, 3}, {2, 3, 4}) == 0.5
    assert resemblance([1, 1, 2], [2, 1]) == 1.0
    assert resemblance([], []) == resemblance([1], []) == 0.0
