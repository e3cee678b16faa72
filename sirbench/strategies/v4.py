"""Strategy V4: V3's levels, linked by conditional probabilities, loss on all of them (Eq. 7 to 9)."""

import torch

from sirbench.strategies.blocks import Blocks, Options, Outcome, Score
from sirbench.strategies.cpr import cpr_logits
from sirbench.strategies.levels import chosen_levels, gather_earlier, run_levels
from sirbench.strategies.losses import loss_named


def v4_step(blocks: Blocks, score: Score, options: Options) -> Outcome:
    """The sum over levels of Eq. 8, that is Eq. 1's loss on CPR_i instead of P_i (paper, Eq. 7 to 9)."""
    with_loss = chosen_levels(options, default=range(1, len(options.sizes) + 1))
    # CPR_i multiplies the probabilities of all levels up to i, so each of these carries a gradient.
    levels = run_levels(blocks, score, options, range(1, max(with_loss) + 1))
    log_p = [torch.log_softmax(level.scores.masked_fill(~level.mask, -torch.inf), dim=1) for level in levels]
    loss = loss_named(options.loss)
    total = torch.zeros(len(blocks.mask), device=blocks.mask.device)
    for number in with_loss:
        mask = levels[number - 1].mask
        aligned = gather_earlier(log_p[:number], levels[:number])
        total = total + loss(cpr_logits(aligned, mask, options.cpr), mask)
    return Outcome(total, levels)
