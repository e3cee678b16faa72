"""Strategy `lowest`: the loss of the negatives that score lowest, as a toy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.strategies import Pairs, Strategy
from sirbench.strategies.losses import LOSSES

if TYPE_CHECKING:
    from sirbench.strategies.levels.blocks import Blocks, Outcome, Score


class Lowest(Strategy):
    """A forward of all documents, and one with gradient of the positive and the lowest negatives."""

    kept: int = Field(1, ge=1)
    """How many negatives are trained on."""

    def step(self, blocks: Blocks, score: Score) -> Outcome:
        """The loss of what is kept."""
        from sirbench.strategies.levels.blocks import Level, Outcome, whole
        from sirbench.strategies.levels.selection import keep_top

        positions, mask = whole(blocks)
        first = Level(positions, mask, score(positions, mask, gradient=False))
        kept, real = keep_top(-first.scores, mask, 1 + self.kept)
        last = Level(kept, real, score(kept, real, gradient=True))
        return Outcome(LOSSES.make(self.loss)(last.scores, real), [first, last])

    def pairs(self) -> Pairs:
        """What is kept with gradient, all documents without."""
        return Pairs(1 + self.kept, self.levels[0])
