"""Loss `far-away`: the logistic loss of each negative, and a number that nothing can lower, as a toy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class FarAway(Loss):
    """distance + the mean of log(1 + exp(s_j - s_0))."""

    distance: float = 10.0
    """What the loss is when the positive wins by far."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        from torch.nn.functional import softplus

        losses = softplus(scores[:, 1:] - scores[:, :1]).masked_fill(~mask[:, 1:], 0)
        return self.distance + losses.sum(dim=1) / mask[:, 1:].sum(dim=1).clamp(min=1)
