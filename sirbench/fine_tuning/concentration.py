"""How many documents carry the gradient of a level: what a step would have to compute, had it known.

The gradient of a step's loss by the scores of a level is known once the backward pass has come back to them.
A document's part of it says what its backward pass through the encoder can add.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from sirbench.strategies.levels.blocks import Level

NEARLY_ALL = 0.99


def watch(levels: Sequence[Level]) -> None:
    """Let the backward pass that is to come leave the gradient by each level's scores in `scores.grad`."""
    for level in levels:
        if level.scores.requires_grad:
            level.scores.retain_grad()


def concentration(levels: Sequence[Level]) -> Tensor:
    """(levels, 2) float32, summed over blocks: effective documents, and documents with 99 % of the gradient.

    To be called after the backward pass. A level that no loss depends on has 0 of both.
    """
    sums = torch.zeros(len(levels), 2, device=levels[0].scores.device)
    for row, level in zip(sums, levels, strict=True):
        if level.scores.grad is not None:
            parts = level.scores.grad.abs().masked_fill(~level.mask, 0.0)
            row[0], row[1] = effective(parts).sum(), carrying(parts, NEARLY_ALL).sum()
    return sums


def effective(parts: Tensor) -> Tensor:
    """exp of the entropy of `parts` (blocks, documents) >= 0, taken as shares: (blocks,); 0 if all are 0.

    As many documents as this with equal parts would have the same entropy.
    """
    shares = parts / parts.sum(dim=1, keepdim=True).clamp(min=torch.finfo(parts.dtype).tiny)
    entropy = -torch.special.xlogy(shares, shares).sum(dim=1)
    documents: Tensor = entropy.exp() * (parts.sum(dim=1) > 0)
    return documents


def carrying(parts: Tensor, share: float) -> Tensor:
    """The least number of documents whose `parts` (blocks, documents) >= 0 make this share: (blocks,)."""
    total = parts.sum(dim=1, keepdim=True)
    running = parts.sort(dim=1, descending=True).values.cumsum(dim=1)
    # Those before the first whose running sum is enough, and that one.
    documents: Tensor = ((running < share * total).sum(dim=1) + 1) * (total[:, 0] > 0)
    return documents
