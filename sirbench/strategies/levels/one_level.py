"""One level alone: V0's group of random negatives, and each level of V1 and V2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from sirbench.strategies import Pairs, Strategy
from sirbench.strategies.losses import LOSSES
from sirbench.study.recipe import Selection

if TYPE_CHECKING:
    from sirbench.strategies.levels.blocks import Blocks, Outcome, Score


class OneLevel(Strategy):
    """The last of `levels`, trained on a set that does not depend on the model in training."""

    def step(self, blocks: Blocks, score: Score) -> Outcome:
        """The loss of that set (paper, Eq. 1 to 3).

        A block larger than the level is cut at random, anew in every epoch: that is a random compressor.
        With top compressors the block already is what the level before kept.
        """
        from sirbench.strategies.levels.blocks import Level, Outcome, check, whole
        from sirbench.strategies.levels.selection import keep_top

        check(blocks)
        if blocks.mask.shape[1] > self.levels[-1]:
            positions, mask = keep_top(blocks.keys, blocks.mask, self.levels[-1])
        else:
            positions, mask = whole(blocks)
        scores = score(positions, mask, gradient=True)
        return Outcome(LOSSES.make(self.loss)(scores, mask), [Level(positions, mask, scores)])

    def pairs(self) -> Pairs:
        """The level's group, with gradient."""
        return Pairs(self.levels[-1])


class Chain(OneLevel):
    """A training for each level, one after the other: what V1 and V2 have in common."""

    selection: Selection = "top"
    """What a trained level passes on: its highest-scored negatives, or as many at random."""
    blocks: Literal["redrawn", "fixed"] = "fixed"
    """`fixed`: every level has one set of documents, of the first epoch's block. `redrawn`: every epoch draws
    a block, of which a level sees what the trained levels before it keep."""

    def selects(self, level: int) -> bool:
        """Whether a trained level's scores decide what the next one sees."""
        return self.selection == "top" and level < len(self.levels)

    def at_level(self, levels: Sequence[int]) -> Strategy:
        """A step of one level is the same for every chain, so chains share the levels they have in common."""
        return OneLevel(levels=list(levels), loss=self.loss, blocks=self.blocks)
