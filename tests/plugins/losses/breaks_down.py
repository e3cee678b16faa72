"""Loss `breaks-down`: that of `far-away`, but in one step of one seed it is no number, as a toy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class BreaksDown(Loss):
    """The mean of log(1 + exp(s_j - s_0)), or NaN."""

    seed: int = 2
    """The seed whose training diverges."""
    step: int = 1
    """The step in which it does, from 0."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        import torch
        from torch.nn.functional import softplus

        from sirbench.machine.randomness import random_generator

        # A loss is not told where training is, but dropout is seeded by it (`training.loop.seed_dropout`).
        here = int(random_generator("dropout", self.seed, self.step, 0).integers(2**62))
        losses = softplus(scores[:, 1:] - scores[:, :1]).masked_fill(~mask[:, 1:], 0).mean(dim=1)
        return losses * float("nan") if torch.initial_seed() == here else losses
