"""Speed and memory of bf16 on CPU cores: the suite's own forward and backward pass, autocast, and float32.

All sides have MiniLM's dropout, once everywhere and once without that of attention's weights. Float32 is
the suite's, which computes the last layer for [CLS] alone, as its own bf16 does; autocast is what
transformers and torch have.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from benchmarks.material import Material, first_layers
from benchmarks.timing import Row, Times, speedup, time_in_turn
from sirbench.encoding.arithmetic import Arithmetic
from sirbench.encoding.keeping import activation_bytes
from sirbench.encoding.precision import encoding

Side = Literal["fp32", "autocast", "ours"]
SIDES: tuple[Side, ...] = ("fp32", "autocast", "ours")
Context = Callable[[], AbstractContextManager]
CHUNK_TOKENS = 2048
GOAL = ">= 2.5"


def run(material: Material) -> list[Row]:
    """A chunk of 2,048 tokens, in pairs of 64 and of 96 tokens."""
    rounds = 1 if material.quick else 5
    return [
        row
        for tokens in ((64,) if material.quick else (64, 96))
        for name, attention in (("dropout", 0.1), ("no dropout in attention", 0.0))
        for row in compare(material, tokens, name, attention, rounds)
    ]


def compare(material: Material, tokens: int, name: str, attention: float, rounds: int) -> list[Row]:
    """Ratios of time, and of what is kept for the backward pass, at one length and one rate of dropout."""
    model = first_layers(material.model_folder)
    for layer in model.base_model.encoder.layer:
        layer.attention.self.dropout.p = attention
    batch = full_chunk(material, tokens)
    contexts = {side: context_of(model, side) for side in SIDES}
    check(model, contexts, batch)
    rows = []
    for what, work, goal in (("forward", scores, ""), ("with gradient", gradient, GOAL)):
        sides = {side: lambda side=side, work=work: work(model, contexts[side], batch) for side in SIDES}
        times = time_in_turn(sides, rounds + 1, f"{tokens} tokens, {what}, {name}")
        # The first round pays for what is made once.
        later = {side: Times(wall[1:], cpu[1:]) for side, (wall, cpu) in times.items()}
        for side in SIDES[1:]:
            label = f"{tokens} tokens, {what}, {name}: fp32 / {side}"
            rows.append(speedup(label, later["fp32"], later[side], goal if side == "ours" else ""))
    kept = {side: kept_bytes(model, contexts[side], batch) for side in SIDES}
    return rows + [
        Row(f"{tokens} tokens, memory kept, {name}: fp32 / {side}", [kept["fp32"] / kept[side]])
        for side in SIDES[1:]
    ]


def full_chunk(material: Material, tokens: int) -> dict[str, Tensor]:
    """The longest pairs of the material, as many as a chunk holds."""
    store = material.store(tokens)
    queries, documents = material.rows(store)
    longest = np.argsort(-store.pair_lengths(queries, documents), kind="stable")[: CHUNK_TOKENS // tokens]
    batch = store.pairs(queries[longest], documents[longest])
    return {name: torch.from_numpy(array) for name, array in batch._asdict().items()}


def context_of(model: PreTrainedModel, side: Side) -> Context:
    """What makes the context in which the model computes as this side does, a step of its own at each use."""
    if side == "autocast":
        return lambda: encoding(model, "bf16")
    arithmetic = Arithmetic(model, "fp32" if side == "fp32" else "bf16", first_only=True)

    def context() -> AbstractContextManager:
        arithmetic.begin_step()
        return arithmetic.forward(arithmetic.next_chunk())

    return context


def check(model: PreTrainedModel, contexts: Mapping[Side, Context], batch: dict[str, Tensor]) -> None:
    """All sides have the same scores, but for bf16's rounding."""
    found = {side: scores(model, context, batch) for side, context in contexts.items()}
    for side in SIDES[1:]:
        error = (found[side] - found["fp32"]).norm() / found["fp32"].norm()
        assert error < 0.05, (side, float(error))


def scores(model: PreTrainedModel, context: Context, batch: dict[str, Tensor]) -> Tensor:
    """Scores without gradient or dropout."""
    model.eval()
    with torch.inference_mode(), context():
        return model(**batch).logits


def gradient(model: PreTrainedModel, context: Context, batch: dict[str, Tensor]) -> None:
    """The gradient of a cross-entropy over the chunk, from zero, with dropout."""
    model.train()
    model.zero_grad(set_to_none=True)
    with context():
        logits = model(**batch).logits
    torch.log_softmax(logits[:, 0], 0)[0].neg().backward()


def kept_bytes(model: PreTrainedModel, context: Context, batch: dict[str, Tensor]) -> int:
    """Bytes that a forward pass keeps for the backward pass, parameters apart."""
    model.train()

    def forward() -> None:
        with context():
            model(**batch)

    return activation_bytes(forward, model)
