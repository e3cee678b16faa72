"""What strategies take and give: blocks, a way to score them, and the outcome of a step."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Blocks(NamedTuple):
    """A batch of training blocks; position 0 of each is the positive."""

    mask: Tensor
    """(batch, documents) bool: False where a block has fewer documents than the widest."""
    keys: Tensor
    """(batch, documents) uniform random numbers, drawn per query and epoch."""


class Score(Protocol):
    """Scores documents of the blocks with the model in training."""

    def __call__(self, positions: Tensor, mask: Tensor, *, gradient: bool) -> Tensor:
        """Float32 (batch, kept): the scores of `positions` (batch, kept), 0 where `mask` is False.

        With `gradient`, the scores carry the gradient to the model; each call is a forward of its own.
        """


class Level(NamedTuple):
    """One level of a step: the documents that its compressor or classifier saw."""

    positions: Tensor
    """(batch, kept) int64: positions in the block; column 0 is 0, the positive."""
    mask: Tensor
    """(batch, kept) bool: False where there were fewer documents than the level keeps."""
    scores: Tensor
    """(batch, kept) float32, meaningless where `mask` is False."""


class Outcome(NamedTuple):
    """What a step returns."""

    loss: Tensor
    """(batch,): the loss of each block."""
    levels: Sequence[Level]
    """Every level that was computed, first to last."""


def check(blocks: Blocks) -> None:
    """Assert shapes and types at the border: later code relies on them without asking again."""
    mask, keys = blocks
    assert mask.ndim == 2 and mask.shape == keys.shape, (mask.shape, keys.shape)
    assert mask.dtype == torch.bool, mask.dtype
    assert bool(mask[:, 0].all()), "position 0 of every block is its positive"


def whole(blocks: Blocks) -> tuple[Tensor, Tensor]:
    """Positions (batch, documents) and mask of the block as it was drawn."""
    mask = blocks.mask
    return torch.arange(mask.shape[1], device=mask.device).expand_as(mask), mask
