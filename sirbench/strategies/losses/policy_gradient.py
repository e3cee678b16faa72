"""Policy gradient over Plackett-Luce rankings: the expected nDCG of rankings that are drawn by the scores.

Gao et al.: Policy-gradient training of language models for ranking (Neural PG-RANK, 2023), Eq. 4 to 6.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class PolicyGradient(Loss):
    """1 - the mean nDCG of drawn rankings, with the score-function (REINFORCE) gradient of its expectation.

    A ranking is drawn by adding Gumbel noise to the scores and sorting. Its gradient is weighted by its nDCG
    minus the mean of that of the other rankings (leave-one-out). Draws come from torch's generator, which
    the training seeds by seed and step.
    """

    rankings: int = Field(32, ge=2)
    """How many are drawn of a block."""
    cutoff: int = Field(10, ge=1)
    """Ranks below it count nothing: nDCG@10 by default."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents); its value has no gradient but the estimated one."""
        import torch

        from sirbench.strategies.losses.list_mle import log_of_choices

        count, documents = scores.shape
        drawn = scores.detach().masked_fill(~mask, -inf)[:, None].expand(count, self.rankings, documents)
        noise = -torch.empty_like(drawn).exponential_().log()
        order = (drawn + noise).argsort(dim=2, descending=True)
        rank = 1 + (order == 0).float().argmax(dim=2)
        utility = (1 / (1.0 + rank).log2()).where(rank <= self.cutoff, 0)
        others = (utility.sum(dim=1, keepdim=True) - utility) / (self.rankings - 1)
        real = mask[:, None].expand(order.shape).gather(2, order).flatten(0, 1)
        ranked = scores.masked_fill(~mask, 0)[:, None].expand(order.shape).gather(2, order).flatten(0, 1)
        log_p = log_of_choices(ranked, real).sum(dim=1).view(utility.shape)
        surrogate = -((utility - others) * log_p).mean(dim=1)
        return 1 - utility.mean(dim=1) + surrogate - surrogate.detach()
