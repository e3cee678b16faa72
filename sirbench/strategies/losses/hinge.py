"""Pairwise hinge, PROP's fine-tuning loss (Ma et al., WSDM 2021)."""

from torch import Tensor

MARGIN = 1.0
"""By how much the positive shall score above a negative (PROP's value)."""


def loss(scores: Tensor, mask: Tensor) -> Tensor:
    """The mean over negatives of max(0, 1 - (s_0 - s_j)); (batch, documents) to (batch,), 0 without any."""
    violation = (MARGIN - scores[:, :1] + scores[:, 1:]).clamp(min=0).masked_fill(~mask[:, 1:], 0)
    return violation.sum(dim=1) / mask[:, 1:].sum(dim=1).clamp(min=1)
