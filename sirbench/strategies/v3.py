"""Strategy V3: one model, all levels in one step, loss on the first and the last (Eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sirbench.strategies.levels.all_levels import AllLevels
from sirbench.strategies.losses import LOSSES

if TYPE_CHECKING:
    from sirbench.strategies.levels.blocks import Blocks, Outcome, Score


class V3(AllLevels):
    """L(S, 1) + L(S, M), each the loss of Eq. 1 on what that level saw."""

    def with_loss(self) -> Sequence[int]:
        """The first level and the last, unless the recipe says otherwise."""
        return self.loss_levels or sorted({1, len(self.levels)})

    def step(self, blocks: Blocks, score: Score) -> Outcome:
        """The sum of the levels' losses (paper, Eq. 5)."""
        from sirbench.strategies.levels.blocks import Outcome
        from sirbench.strategies.levels.running import run_levels

        levels = run_levels(blocks, score, self)
        loss = LOSSES.make(self.loss)
        first, *others = (loss(levels[i - 1].scores, levels[i - 1].mask) for i in self.with_loss())
        return Outcome(sum(others, start=first), levels)
