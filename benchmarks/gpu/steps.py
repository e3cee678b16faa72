"""Training steps of V4, optimiser included: fresh and shared, kept and cached; on one GPU or on several."""

import json
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import gettempdir

from torch import nn

from benchmarks.gpu.encoding import chunk_tokens
from benchmarks.gpu.made import Store, draw_texts, make_model, operations
from benchmarks.gpu.measuring import Measurement
from sirbench.encoding.cross_encoder import CrossEncoder, Gradient
from sirbench.fine_tuning.task import FineTuning
from sirbench.machine.device import claim_device
from sirbench.strategies.v4 import V4
from sirbench.study import Compute, Training
from sirbench.training import distributed
from sirbench.training.optimizer import make_optimizer

LEVELS = {False: [88, 48, 16], True: [22, 12, 4]}
"""The paper's, and those of a quick run."""
BLOCKS = 4
"""Of a step, on all GPUs together."""
AUTO = Compute(mem_mb=10**6).gradient


def measure_steps(measurement: Measurement, name: str, tokens: int) -> None:
    """Steps of one model in every way."""
    for forward in ("fresh", "shared"):
        for how, gradient in (("kept", "kept"), ("cached", "cached"), ("what fits kept", AUTO)):
            measure_step(measurement, name, tokens, forward, how, gradient)


def measure_step(
    measurement: Measurement, name: str, tokens: int, forward: str, how: str, gradient: Gradient
) -> None:
    """Steps of one model in one way; pairs are those that go through the model, by their average length."""
    texts = draw_texts(BLOCKS)
    store, model = Store(texts, tokens), make_model(name).to(measurement.device)
    cost = operations(model, store.pair_lengths(*texts.pairs(len(texts.documents)))) / len(texts.documents)
    encoder = CrossEncoder(model, store, chunk_tokens=chunk_tokens(measurement), precision="bf16")
    strategy = V4(levels=LEVELS[measurement.quick], forward=forward)
    task = FineTuning(
        **{"name": "step", "folder": Path(gettempdir()), "fingerprint": "", "model": model.train()},
        **{"encoder": encoder, "queries": texts.training_queries(), "strategy": strategy},
        **{"settings": Training(blocks_per_step=BLOCKS), "epochs": 10**6, "seed": 1, "gradient": gradient},
    )
    side = f"{forward}, {how}"
    if distributed.workers() > 1:
        side += f", {distributed.workers()} processes"
    pairs = round(strategy.pairs().with_gradient) * BLOCKS
    measurement.measure(name, tokens, "V4 step", side, steps_of(task, pairs), 3 * cost)


def steps_of(task: FineTuning, pairs: int) -> Callable[[], int]:
    """One step after the other, as the training loop makes them."""
    optimizer, scheduler = make_optimizer(task.model, task.settings, 10**6)
    numbers = count()

    def step() -> int:
        one = task.forward_backward(next(numbers))
        distributed.totals([one.loss, *one.shares.values()])
        distributed.sum_gradients(task.model.parameters())
        float(nn.utils.clip_grad_norm_(task.model.parameters(), 1.0))
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad(set_to_none=True)
        return pairs

    return step


def main() -> None:
    """As one of the workers that `torchrun` has started: print the rows, as the first of them."""
    name, tokens, quick, peak = json.loads(sys.argv[1])
    with claim_device(0 if quick else 1, threads=1) as device, distributed.joined(device):
        peak *= distributed.workers()
        measurement = Measurement(device, quick, until=float("inf"), peak=peak, calls=2 if quick else 10)
        measure_step(measurement, name, tokens, "fresh", "kept", "kept")
        if distributed.rank() == 0:
            print(json.dumps([row.as_json() for row in measurement.rows]))


if __name__ == "__main__":
    main()
