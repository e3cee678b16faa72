"""Softmax cross entropy: with random negatives, localized contrastive estimation (LCE).

Gao, Dai and Callan: Rethink training of BERT rerankers in multi-stage retrieval pipeline (2021).
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class CrossEntropy(Loss):
    """-log P_0, the first term of Eq. 1 alone."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents)."""
        return -scores.masked_fill(~mask, -inf).log_softmax(dim=1)[:, 0]
