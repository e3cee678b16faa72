"""NDCG-Loss2++: pairs weighted by what exchanging them would change in nDCG.

Wang et al.: The LambdaLoss framework for ranking metric optimization (CIKM 2018), Eq. 18 and 19.
"""

from __future__ import annotations

from math import inf, log
from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class LambdaLoss(Loss):
    """The sum over negatives of (rho_j + mu delta_j) log2(1 + exp(-sigma (s_0 - s_j))).

    With ranks r by the scores themselves and discounts D(r) = log2(1 + r): rho_j = |1 / D(r_0) - 1 / D(r_j)|,
    which is LambdaRank's weight, and delta_j = |1 / D(|r_0 - r_j|) - 1 / D(|r_0 - r_j| + 1)|. The gain of the
    positive over a negative is 1, as is the ideal DCG of one positive. Equal scores are ranked by column.
    """

    mu: float = Field(10.0, ge=0)
    """Weight of delta (the authors' value: 10); 0: LambdaRank."""
    sigma: float = Field(1.0, gt=0)
    """How fast a pair counts as settled."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        from torch.nn.functional import softplus

        order = scores.detach().masked_fill(~mask, -inf).argsort(dim=1, descending=True, stable=True)
        ranks = order.argsort(dim=1) + 1
        positive, negatives = ranks[:, :1], ranks[:, 1:]
        apart = (negatives - positive).abs()
        rho = (_gain(positive) - _gain(negatives)).abs()
        delta = (_gain(apart) - _gain(apart + 1)).abs()
        none = ~mask[:, 1:]
        pairs = softplus(self.sigma * (scores[:, 1:] - scores[:, :1]).masked_fill(none, 0)) / log(2)
        return ((rho + self.mu * delta) * pairs).masked_fill(none, 0).sum(dim=1)


def _gain(ranks: Tensor) -> Tensor:
    """What a relevant document adds to DCG at a rank: 1 / log2(1 + r)."""
    return 1 / (1.0 + ranks).log2()
