"""ListNet's top-one cross entropy (Cao et al., ICML 2007)."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class ListNet(Loss):
    """- sum_j T_j log P_j: P the softmax of the scores, T that of the labels, 1 for the positive and 0 else.

    A positive among n documents has T_0 = e / (e + n - 1): the rest is asked for from the negatives. With a
    label that grows without bound it becomes `cross-entropy`.
    """

    label: float = Field(1.0, gt=0)
    """The positive's label; those of negatives are 0."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        labels = scores.new_zeros(scores.shape)
        labels[:, 0] = self.label
        target = labels.masked_fill(~mask, -inf).softmax(dim=1)
        log_p = scores.masked_fill(~mask, -inf).log_softmax(dim=1).masked_fill(~mask, 0)
        return -(target * log_p).sum(dim=1)
