"""Speed of a V4 training step: `fresh` and `shared` against the plain way of writing it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.material import Material, first_layers
from benchmarks.timing import Row, speedup, time_in_turn
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.batch import block_scorer, block_tensors
from sirbench.fine_tuning.blocks import Block
from sirbench.strategies import Strategy
from sirbench.strategies.levels.blocks import Score
from sirbench.strategies.v4 import V4

CHUNK_TOKENS = 2048
LAYERS = 2
"""Of MiniLM's six, which all cost the same: a third of the time and of the plain way's memory."""
CPR = "product"


def run(material: Material) -> list[Row]:
    """One block of 88 documents, levels 88-48-16."""
    if material.quick:
        return compare(material, levels=(22, 12, 4), max_tokens=64, rounds=1)
    return compare(material, levels=(88, 48, 16), max_tokens=256, rounds=3)


def compare(material: Material, *, levels: Sequence[int], max_tokens: int, rounds: int) -> list[Row]:
    """Forward and backward of one block; the losses of all sides are equal."""
    store = material.store(max_tokens)
    model = first_layers(material.model_folder, LAYERS)
    encoder = CrossEncoder(model, store, chunk_tokens=CHUNK_TOKENS)
    block = first_block(material, store, levels[0])
    kept, cached = (block_scorer(encoder, [block], how) for how in ("kept", "cached"))
    fresh = V4(levels=list(levels), cpr=CPR)
    shared = V4(levels=list(levels), cpr=CPR, forward="shared")
    sides = {
        "plain": step(model, block, plain_scorer(model, store, block, whole=True), fresh),
        "level by level": step(model, block, plain_scorer(model, store, block, whole=False), fresh),
        "fresh": step(model, block, kept, fresh),
        "shared": step(model, block, kept, shared),
        "fresh, cached": step(model, block, cached, fresh),
        "shared, cached": step(model, block, cached, shared),
    }
    losses = {side: function() for side, function in sides.items()}
    assert np.allclose(list(losses.values()), losses["plain"], rtol=1e-4, atol=0), losses
    times = time_in_turn(sides, rounds, "V4 step")
    goals = {"fresh": ">= 1.2", "shared": ">= 1.9"}
    return [
        speedup(
            f"V4 step: {plain} / {side}", times[plain], times[side], goals.get(side, "") * (plain == "plain")
        )
        for plain in ("plain", "level by level")
        for side in ("fresh", "shared", "fresh, cached", "shared, cached")
    ]


def first_block(material: Material, store: TokenStore, size: int) -> Block:
    """The candidates of the first query that has enough, the best one in the positive's place."""
    queries, documents = material.rows(store)
    query = next(row for row in queries if (queries == row).sum() >= size)
    chosen = documents[queries == query][:size]
    return Block(int(query), chosen, np.arange(size), np.zeros(size, dtype=np.float32))


def step(model: nn.Module, block: Block, score: Score, strategy: Strategy) -> Callable[[], float]:
    """A step without the optimiser: gradients from zero; returns the loss."""

    def forward_backward() -> float:
        model.zero_grad(set_to_none=True)
        loss = strategy.step(block_tensors([block], torch.device("cpu")), score).loss.sum()
        loss.backward()
        return loss.item()

    return forward_backward


def plain_scorer(model: nn.Module, store: TokenStore, block: Block, *, whole: bool) -> Score:
    """A forward per level in one batch, padded to the longest of the block, all activations kept.

    Of the `whole` block, of whose scores a level uses those of its documents; or of these documents only.
    """
    batch = store.pairs(np.full(len(block.documents), block.query), block.documents)
    inputs = {name: torch.from_numpy(array) for name, array in batch._asdict().items()}

    def score(positions: Tensor, mask: Tensor, *, gradient: bool) -> Tensor:
        rows = torch.arange(len(block.documents)) if whole else positions[0]
        with torch.set_grad_enabled(gradient):
            scores = model(**{name: tensor[rows] for name, tensor in inputs.items()}).logits.squeeze(1)
        return (scores[positions[0]] if whole else scores)[None]

    return score
