"""Pairwise hinge, PROP's fine-tuning loss (Ma et al., WSDM 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class Hinge(Loss):
    """The mean over negatives of max(0, margin - (s_0 - s_j)); 0 without any."""

    margin: float = Field(1.0, gt=0)
    """By how much the positive shall score above a negative (PROP's value: 1)."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        violation = (self.margin - scores[:, :1] + scores[:, 1:]).clamp(min=0).masked_fill(~mask[:, 1:], 0)
        return violation.sum(dim=1) / mask[:, 1:].sum(dim=1).clamp(min=1)
