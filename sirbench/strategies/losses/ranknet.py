"""RankNet's pairwise logistic loss (Burges et al., ICML 2005)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class RankNet(Loss):
    """The mean over negatives of -log sigmoid(s_0 - s_j); 0 without any.

    The paper sums over pairs; the mean keeps the step as large whatever the number of negatives.
    """

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        from torch.nn.functional import softplus

        none = ~mask[:, 1:]
        pairs = softplus((scores[:, 1:] - scores[:, :1]).masked_fill(none, 0)).masked_fill(none, 0)
        return pairs.sum(dim=1) / mask[:, 1:].sum(dim=1).clamp(min=1)
