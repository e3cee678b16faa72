"""What the measures of space come to without learning: the nulls that stand beside them.

Both select from the very blocks that a query was trained on, which their hash draws again
(`fine_tuning.blocks.draw_block`), as many negatives as the classifier had in that epoch:

* random selection: any of the block, anew in each epoch;
* a scorer that never changes: the highest-scored of the block, by the model that the classifier's training
  started from. Where blocks are redrawn its selection moves too, although nothing has learned.
"""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

import numpy as np

from sirbench.fine_tuning.blocks import TrainingQuery, draw_block
from sirbench.machine.randomness import random_generator

DRAWS = 20
"""Random selections over which a measure without a formula is averaged."""


class BlockDraws(NamedTuple):
    """How the blocks of a cell are drawn."""

    size: int
    """Of the first level, the positive included."""
    seed: int
    fixed: bool
    """Whether the first epoch's block serves in all."""


def replayed_blocks(
    query_id: str, positives: int, ranks: Sequence[int], epochs: int, draws: BlockDraws
) -> list[np.ndarray]:
    """The ranks of the negatives in the block of each epoch, ascending, as training drew them.

    Args:
        query_id: the hash is of it.
        positives: how many judged-positive documents the query has; which of them is trained on is drawn
            first.
        ranks: of all negatives that may be drawn, in the candidates.
        epochs: how many to draw.
        draws: how blocks are drawn.
    """
    negatives = np.sort(np.asarray(ranks, dtype=np.int64))
    query = TrainingQuery(query_id, 0, np.zeros(positives, np.int64), np.arange(len(negatives)), negatives)
    blocks = (draw_block(query, draws.size, draws.seed, epoch, fixed=draws.fixed) for epoch in range(epochs))
    return [block.ranks[1:] for block in blocks]


def highest_scored(block: np.ndarray, scores: np.ndarray, count: int) -> list[int]:
    """The `count` ranks of a block (negatives,) with the highest scores (negatives,), ties by rank."""
    return [int(rank) for rank in block[np.lexsort((block, -scores))][:count]]


def random_coverage(blocks: Sequence[np.ndarray], counts: Sequence[int], candidates: int) -> float:
    """The expected share of the candidates that is selected in any epoch, `counts[e]` at random in each.

    A document of block e is missed there with probability 1 - counts[e] / |block e|, in every epoch anew.
    """
    missed: dict[int, float] = {}
    for block, count in zip(blocks, counts, strict=True):
        for rank in block:
            missed[int(rank)] = missed.get(int(rank), 1.0) * (1 - count / len(block))
    return sum(1 - chance for chance in missed.values()) / candidates if candidates else np.nan


def random_turnover(blocks: Sequence[np.ndarray], counts: Sequence[int]) -> float:
    """The expected 1 - Jaccard index of `counts[0]` random ranks of one block and `counts[1]` of the next.

    Of the documents that both blocks have, the first selection has a hypergeometric number, and the second
    a hypergeometric number of these.
    """
    (before, after), (first, second) = blocks, counts
    if not first + second:
        return np.nan
    common = len(np.intersect1d(before, after))
    return sum(
        _hypergeometric(shared, len(before), common, first)
        * _hypergeometric(both, len(after), shared, second)
        * (1 - both / (first + second - both))
        for shared in range(min(common, first) + 1)
        for both in range(min(shared, second) + 1)
    )


def _hypergeometric(found: int, every: int, marked: int, drawn: int) -> float:
    """The chance that `drawn` of `every` documents hold `found` of those that are `marked`."""
    return comb(marked, found) * comb(every - marked, drawn - found) / comb(every, drawn)


def random_selections(query_id: str, epoch: int, block: np.ndarray, count: int) -> list[list[int]]:
    """`DRAWS` random selections from a block, the same whenever they are drawn."""
    generator = random_generator("null", query_id, epoch)
    return [[int(rank) for rank in generator.permutation(block)[:count]] for _ in range(DRAWS)]
