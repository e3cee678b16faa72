"""Blocks as tensors, and a strategy's positions as pairs for the cross-encoder."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sirbench.encoding.cross_encoder import CrossEncoder, Gradient
from sirbench.fine_tuning.blocks import Block
from sirbench.strategies.levels.blocks import Blocks, Score


def block_tensors(blocks: Sequence[Block], device: torch.device) -> Blocks:
    """Mask and random keys of shape (batch, documents of the largest block)."""
    lengths = [len(block.documents) for block in blocks]
    keys = np.zeros((len(blocks), max(lengths, default=1)), dtype=np.float32)
    for row, block in zip(keys, blocks, strict=True):
        row[: len(block.keys)] = block.keys
    mask = np.arange(keys.shape[1]) < np.array(lengths, dtype=np.int64)[:, None]
    return Blocks(torch.from_numpy(mask).to(device), torch.from_numpy(keys).to(device))


def block_scorer(encoder: CrossEncoder, blocks: Sequence[Block], how: Gradient) -> Score:
    """What a strategy calls to score documents of these blocks; `how` says how gradients are kept."""
    queries = np.array([block.query for block in blocks], dtype=np.int64)
    documents = np.zeros((len(blocks), max((len(block.documents) for block in blocks), default=1)), np.int64)
    for row, block in zip(documents, blocks, strict=True):
        row[: len(block.documents)] = block.documents

    def score(positions: Tensor, mask: Tensor, *, gradient: bool) -> Tensor:
        real = mask.cpu().numpy()
        chosen = np.take_along_axis(documents, positions.cpu().numpy(), axis=1)[real]
        repeated = np.repeat(queries, real.sum(axis=1))
        values = encoder.score(repeated, chosen, how if gradient else "none")
        if real.all():
            return values.view(mask.shape)
        # By places that are known here: of a mask, the backward pass would ask the GPU how many it has.
        places = torch.from_numpy(np.flatnonzero(real)).to(mask.device, non_blocking=True)
        return torch.zeros(mask.numel(), device=mask.device).scatter(0, places, values).view(mask.shape)

    return score
