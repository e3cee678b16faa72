"""Strategy V4: V3's levels, linked by conditional probabilities, loss on all of them (Eq. 7 to 9)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf
from typing import TYPE_CHECKING, Literal

from sirbench.strategies.levels.all_levels import AllLevels
from sirbench.strategies.losses import LOSSES

if TYPE_CHECKING:
    from sirbench.strategies.levels.blocks import Blocks, Outcome, Score


class V4(AllLevels):
    """The sum over levels of Eq. 8, that is Eq. 1's loss on CPR_i instead of P_i."""

    cpr: Literal["literal", "product", "geometric", "literal-from-2"] = "product"
    """The form of the conditional probability, Eq. 7; docs/cpr.md says how the default was chosen."""

    def with_loss(self) -> Sequence[int]:
        """All levels, unless the recipe says otherwise."""
        return self.loss_levels or range(1, len(self.levels) + 1)

    def with_gradient(self) -> Collection[int]:
        """CPR_i multiplies the probabilities of all levels up to i, so each of these carries a gradient."""
        return range(1, max(self.with_loss()) + 1)

    def step(self, blocks: Blocks, score: Score) -> Outcome:
        """The sum of the levels' losses (paper, Eq. 7 to 9)."""
        from sirbench.strategies.levels.blocks import Outcome
        from sirbench.strategies.levels.cpr import cpr_logits
        from sirbench.strategies.levels.running import gather_earlier, run_levels

        levels = run_levels(blocks, score, self)
        log_p = [level.scores.masked_fill(~level.mask, -inf).log_softmax(dim=1) for level in levels]
        loss = LOSSES.make(self.loss)
        total = blocks.keys.new_zeros(len(blocks.mask))
        for number in self.with_loss():
            mask = levels[number - 1].mask
            aligned = gather_earlier(log_p[:number], levels[:number])
            total = total + loss(cpr_logits(aligned, mask, self.cpr), mask)
        return Outcome(total, levels)
