"""Speed of computing a cross-encoder's last layer for [CLS] alone, in float32, against all positions."""

import numpy as np
from transformers import PreTrainedModel

from benchmarks.bf16 import Context, context_of, full_chunk, gradient, scores
from benchmarks.material import Material, first_layers
from benchmarks.timing import Row, Times, speedup, time_in_turn
from sirbench.encoding.arithmetic import Arithmetic

TOKENS = 64


def run(material: Material) -> list[Row]:
    """MiniLM's first two layers, and all six."""
    return [row for layers in ((1,) if material.quick else (2, 6)) for row in compare(material, layers)]


def compare(material: Material, layers: int) -> list[Row]:
    """Ratios of time of a chunk of 2,048 tokens, forward, and forward and backward with dropout."""
    model = first_layers(material.model_folder, layers)
    batch = full_chunk(material, TOKENS)
    sides = {"all": context_of(model, "fp32"), "first": _first_alone(model)}
    found = {side: scores(model, context, batch) for side, context in sides.items()}
    np.testing.assert_allclose(found["first"], found["all"], rtol=1e-4, atol=1e-5)
    rows = []
    for what, work in (("forward", scores), ("with gradient", gradient)):
        works = {side: lambda side=side, work=work: work(model, sides[side], batch) for side in sides}
        times = time_in_turn(works, 2 if material.quick else 6, f"{layers} layers, {what}")
        # The first round pays for what is made once.
        later = {side: Times(wall[1:], cpu[1:]) for side, (wall, cpu) in times.items()}
        rows.append(speedup(f"{layers} layers, {what}: all / first", later["all"], later["first"]))
    return rows


def _first_alone(model: PreTrainedModel) -> Context:
    arithmetic = Arithmetic(model, "fp32", first_only=True)
    return lambda: arithmetic.forward(arithmetic.next_chunk())
