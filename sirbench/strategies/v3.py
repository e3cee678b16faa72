"""Strategy V3: one model, all levels in one step, loss on the first and the last (Eq. 5)."""

from sirbench.strategies.blocks import Blocks, Options, Outcome, Score
from sirbench.strategies.levels import chosen_levels, run_levels
from sirbench.strategies.losses import loss_named


def v3_step(blocks: Blocks, score: Score, options: Options) -> Outcome:
    """L(S, 1) + L(S, M), each the loss of Eq. 1 on what that level saw (paper, Eq. 5)."""
    with_loss = chosen_levels(options, default=sorted({1, len(options.sizes)}))
    levels = run_levels(blocks, score, options, with_loss)
    loss = loss_named(options.loss)
    return Outcome(sum(loss(levels[i - 1].scores, levels[i - 1].mask) for i in with_loss), levels)
