"""Nulls of the measures of space, against every possible selection, and against draws made by hand."""

from itertools import combinations, product
from math import isnan
from statistics import mean

import numpy as np
import pytest

from sirbench.evaluation.space import coverage, turnover
from sirbench.evaluation.space_nulls import (
    DRAWS,
    BlockDraws,
    highest_scored,
    random_coverage,
    random_selections,
    random_turnover,
    replayed_blocks,
)
from sirbench.machine.randomness import random_generator

BLOCKS = [np.array([1, 2, 4, 5]), np.array([2, 3, 5, 6, 7]), np.array([1, 2, 3, 4])]
COUNTS = [2, 3, 1]
CANDIDATES = 9


def every_selection(blocks, counts):
    """Each way to select so many of each block; all are equally likely."""
    ways = (combinations(block.tolist(), count) for block, count in zip(blocks, counts, strict=True))
    return product(*ways)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_random_coverage_is_the_mean_over_every_selection(epochs):
    blocks, counts = BLOCKS[:epochs], COUNTS[:epochs]
    expected = mean(coverage(each, CANDIDATES) for each in every_selection(blocks, counts))
    assert random_coverage(blocks, counts, CANDIDATES) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(2, 3), (4, 5), (1, 1), (0, 3), (2, 0)])
def test_random_turnover_is_the_mean_over_every_pair_of_selections(counts):
    blocks = BLOCKS[:2]
    expected = mean(turnover(*each) for each in every_selection(blocks, counts))
    assert random_turnover(blocks, counts) == pytest.approx(expected)


def test_nothing_selected_has_no_turnover_and_no_candidates_no_coverage():
    assert isnan(random_turnover(BLOCKS[:2], (0, 0)))
    assert isnan(random_coverage([np.array([], int)], [0], 0))


def drawn(query, seed, epoch, positives, ranks, size):
    """The draws of `fine_tuning.blocks`, written down again."""
    generator = random_generator("block", seed, epoch, query)
    generator.integers(positives)
    order = generator.permutation(len(ranks))
    return sorted(ranks[place] for place in order[: size - 1])


@pytest.mark.parametrize("positives", [1, 3])
def test_blocks_are_the_ones_that_training_draws(positives):
    ranks = [rank for rank in range(1, 31) if rank not in (3, 17)]  # where the positives are
    redrawn = replayed_blocks("q", positives, ranks, 3, BlockDraws(size=8, seed=5, fixed=False))
    assert [block.tolist() for block in redrawn] == [
        drawn("q", 5, epoch, positives, ranks, 8) for epoch in range(3)
    ]
    fixed = replayed_blocks("q", positives, ranks, 3, BlockDraws(size=8, seed=5, fixed=True))
    assert [block.tolist() for block in fixed] == [redrawn[0].tolist()] * 3
    few = replayed_blocks("q", positives, ranks[:4], 1, BlockDraws(size=8, seed=5, fixed=False))
    assert few[0].tolist() == ranks[:4]


def test_the_highest_scored_of_a_block():
    block, scores = np.array([2, 3, 5, 8]), np.array([0.1, 0.7, 0.7, -1.0])
    assert highest_scored(block, scores, 3) == [3, 5, 2]
    assert highest_scored(block, scores, 9) == [3, 5, 2, 8]


@pytest.mark.parametrize(
    ("size", "kept", "expected"),
    [(88, 15, 0.27), (22, 3, 0.90)],
    ids=["levels of the paper", "a quarter of them"],
)
def test_redrawing_alone_turns_a_selection_over(size, kept, expected):
    """A scorer that never changes, on 100 candidates: by replay, and with blocks drawn and sorted here."""
    ranks, turned, again = list(range(1, 101)), [], []
    for number in range(300):
        query = f"q{number}"
        scores = dict(zip(ranks, random_generator("scores", query).random(100), strict=True))
        blocks = replayed_blocks(query, 1, ranks, 2, BlockDraws(size, 1, fixed=False))
        tops = [highest_scored(block, np.array([scores[rank] for rank in block]), kept) for block in blocks]
        turned.append(turnover(*tops))
        by_hand = [drawn(query, 1, epoch, 1, ranks, size) for epoch in (0, 1)]
        first, second = (set(sorted(block, key=scores.get, reverse=True)[:kept]) for block in by_hand)
        again.append(1 - len(first & second) / len(first | second))
    assert turned == pytest.approx(again)
    assert mean(turned) == pytest.approx(expected, abs=0.02)
    fixed = replayed_blocks("q", 1, ranks, 2, BlockDraws(size, 1, fixed=True))
    assert turnover(*(highest_scored(block, -block, kept) for block in fixed)) == 0


def test_random_selections_are_of_the_block_and_the_same_again():
    selections = random_selections("q", 1, BLOCKS[1], 3)
    assert len(selections) == DRAWS and len({tuple(sorted(each)) for each in selections}) > 3
    assert all(len(set(each)) == 3 and set(each) <= set(BLOCKS[1].tolist()) for each in selections)
    assert selections == random_selections("q", 1, BLOCKS[1], 3) != random_selections("q", 2, BLOCKS[1], 3)
