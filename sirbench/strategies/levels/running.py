"""All levels of a block in one step: forward, select, pass on (Algorithm 1, lines 1 and 2)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sirbench.strategies.levels.all_levels import AllLevels
from sirbench.strategies.levels.blocks import Blocks, Level, Score, check, whole
from sirbench.strategies.levels.selection import keep_top
from sirbench.study.recipe import Selection


def run_levels(blocks: Blocks, score: Score, strategy: AllLevels) -> list[Level]:
    """The levels 1 to M of a batch of blocks.

    `fresh` runs the model again on what a level keeps, with new dropout; `shared` gathers the scores
    of level 1 instead, so that one forward serves all levels (the same numbers at dropout 0). A level
    that nobody asks for scores (no loss, and a random compressor) is not forwarded: its scores are NaN.
    """
    check(blocks)
    assert blocks.mask.shape[1] <= strategy.levels[0], (blocks.mask.shape, strategy.levels)
    trained, shared = strategy.with_gradient(), strategy.forward == "shared"
    positions, mask = whole(blocks)
    levels: list[Level] = []
    for number, size in enumerate(strategy.levels, start=1):
        if levels:
            positions, mask = pass_on(levels[-1], blocks.keys, strategy.selection, size)
        if shared and levels:
            scores = levels[0].scores.gather(1, positions)
        elif shared or number in trained or strategy.selects(number):
            gradient = number in trained or (shared and bool(trained))
            scores = score(positions, mask, gradient=gradient)
        else:
            scores = torch.full(mask.shape, torch.nan, device=mask.device)
        levels.append(Level(positions, mask, scores))
    return levels


def pass_on(level: Level, keys: Tensor, selection: Selection, size: int) -> tuple[Tensor, Tensor]:
    """The documents that a compressor keeps: positions in the block (batch, size) and their mask."""
    values = level.scores if selection == "top" else keys.gather(1, level.positions)
    kept, mask = keep_top(values, level.mask, size)
    return level.positions.gather(1, kept), mask


def gather_earlier(values: Sequence[Tensor], levels: Sequence[Level]) -> list[Tensor]:
    """Values of every level, each (batch, its documents), at the documents of the last one.

    Aligned by identity, that is by position in the block, never by column: levels are sorted
    differently. All results have the shape of the last level.
    """
    width = levels[0].positions.shape[1]
    aligned = []
    for value, level in zip(values, levels, strict=True):
        by_position = value.new_zeros(len(value), width).scatter(1, level.positions, value)
        aligned.append(by_position.gather(1, levels[-1].positions))
    return aligned
