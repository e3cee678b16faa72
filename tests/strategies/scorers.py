"""Blocks and stand-ins for the cross-encoder, small enough to check by hand."""

import torch
from torch import nn

from sirbench.strategies.levels.blocks import Blocks


def make_blocks(lengths, seed=0):
    """Blocks of these many documents, padded to the longest, with random keys."""
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return Blocks(mask, torch.rand(mask.shape, generator=torch.Generator().manual_seed(seed)))


class GivenScores:
    """Scores looked up in `tables` (levels, batch, documents): each level its own, as with dropout.

    Sizes fall from level to level, so the width of a call tells its level. `calls` records what was asked.
    """

    def __init__(self, tables, sizes):
        self.tables = tables
        self.sizes = list(sizes)
        self.calls = []

    def __call__(self, positions, mask, *, gradient):
        number = self.sizes.index(positions.shape[1])
        self.calls.append((number + 1, gradient))
        scores = self.tables[number].gather(1, positions).masked_fill(~mask, 0)
        return scores if gradient else scores.detach()


def given(lengths, sizes, seed=0, dtype=torch.float64):
    """Random blocks and scores of every level, about as far apart as a trained model's."""
    generator = torch.Generator().manual_seed(seed)
    tables = 3 * torch.randn(len(sizes), len(lengths), max(lengths), generator=generator, dtype=dtype)
    return make_blocks(lengths, seed), GivenScores(tables.requires_grad_(), sizes)


class SmallModel(nn.Module):
    """A network with dropout over random features of the documents, as a scorer."""

    def __init__(self, blocks, dropout=0.0, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.features = torch.randn(*blocks.mask.shape, 5, dtype=torch.float64)
        # Without a last bias, whose gradient is 0 for every loss that only sees differences of scores.
        layers = nn.Linear(5, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1, bias=False)
        self.network = nn.Sequential(*layers).double()
        self.forwards = 0

    def forward(self, positions, mask, *, gradient):
        self.forwards += 1
        features = self.features.gather(1, positions.unsqueeze(2).expand(*positions.shape, 5))
        with torch.set_grad_enabled(gradient):
            return self.network(features).squeeze(2).masked_fill(~mask, 0)

    def gradients(self, loss):
        """Of the summed loss, by name of the parameter."""
        names, parameters = zip(*self.named_parameters(), strict=True)
        return dict(zip(names, torch.autograd.grad(loss.sum(), parameters), strict=True))
