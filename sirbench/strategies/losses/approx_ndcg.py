"""Approximate nDCG: the measure itself with a smooth rank.

Qin, Liu and Li: A general approximation framework for direct optimization of information retrieval measures
(Information Retrieval 13, 2010), Eq. 11 and 13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class ApproxNDCG(Loss):
    """1 - 1 / log2(1 + r), where r = 1 + sum_j sigmoid(alpha (s_j - s_0)) is the positive's smooth rank."""

    alpha: float = Field(10.0, gt=0)
    """How sharp a comparison is; as it grows, r becomes the rank, and the gradient vanishes."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        none = ~mask[:, 1:]
        margins = (scores[:, 1:] - scores[:, :1]).masked_fill(none, 0)
        above = (self.alpha * margins).sigmoid().masked_fill(none, 0)
        return 1 - 1 / (2 + above.sum(dim=1)).log2()
