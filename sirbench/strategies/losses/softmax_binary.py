"""Eq. 1: binary cross entropy on softmax probabilities, the paper's loss of every level."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class SoftmaxBinary(Loss):
    """-log P_0 - sum_j log(1 - P_j), with P the softmax over the group (paper, Eq. 1 and 2)."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents); 0 for a positive without negatives.

        Finite with a finite gradient at any margin.
        """
        negatives = mask.clone()
        negatives[:, 0] = False
        log_p = scores.masked_fill(~mask, -inf).log_softmax(dim=1)
        return -log_p[:, 0] - log_one_minus(log_p, negatives).sum(dim=1)


def log_one_minus(log_p: Tensor, negatives: Tensor) -> Tensor:
    """log(1 - P) of the negatives, 0 elsewhere; all (batch, documents).

    P near 1 leaves no digits in 1 - P, so log1p(-P) and its relatives end in inf or NaN. But only
    the largest P can exceed 1/2, and for that one, 1 - P is the sum of the others' P exactly.
    """
    none = negatives.new_zeros(negatives.shape)
    largest = none.scatter(1, log_p.argmax(dim=1, keepdim=True), True) & negatives
    # Where the positive is the largest, `largest` is empty and `others` is not used: keep it harmless.
    others = log_p.masked_fill(largest, -inf).logsumexp(dim=1, keepdim=True)
    rest = (-log_p.masked_fill(~negatives | largest, -inf).exp()).log1p()
    return others.where(largest, rest)
