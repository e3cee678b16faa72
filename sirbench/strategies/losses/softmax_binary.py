"""Eq. 1: binary cross entropy on softmax probabilities, the paper's loss of every level."""

import torch
from torch import Tensor


def loss(scores: Tensor, mask: Tensor) -> Tensor:
    """-log P_0 - sum_j log(1 - P_j), with P the softmax over the group (paper, Eq. 1 and 2).

    `scores` and `mask` are (batch, documents); the result is (batch,), 0 for a positive without
    negatives. Finite with a finite gradient at any margin.
    """
    scores = scores.masked_fill(~mask, -torch.inf)
    negatives = mask.clone()
    negatives[:, 0] = False
    log_p = torch.log_softmax(scores, dim=1)
    return -log_p[:, 0] - log_one_minus(log_p, negatives).sum(dim=1)


def log_one_minus(log_p: Tensor, negatives: Tensor) -> Tensor:
    """log(1 - P) of the negatives, 0 elsewhere; all (batch, documents).

    P near 1 leaves no digits in 1 - P, so log1p(-P) and its relatives end in inf or NaN. But only
    the largest P can exceed 1/2, and for that one, 1 - P is the sum of the others' P exactly.
    """
    largest = torch.zeros_like(negatives).scatter(1, log_p.argmax(dim=1, keepdim=True), True) & negatives
    # Where the positive is the largest, `largest` is empty and `others` is not used: keep it harmless.
    others = torch.logsumexp(log_p.masked_fill(largest, -torch.inf), dim=1, keepdim=True)
    rest = torch.log1p(-log_p.masked_fill(~negatives | largest, -torch.inf).exp())
    return torch.where(largest, others, rest)
