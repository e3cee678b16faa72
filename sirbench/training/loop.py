"""The training loop, top to bottom."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from sirbench.data.blocks import Block, TrainingQuery, draw_block, random_generator
from sirbench.errors import Interrupted
from sirbench.ranking.cross_encoder import CrossEncoder, Gradient
from sirbench.strategies import Blocks, Options, Outcome, Score
from sirbench.study import Training
from sirbench.training import distributed
from sirbench.training.batch import block_scorer, block_tensors
from sirbench.training.checkpoint import Progress, load_checkpoint, save_checkpoint, save_middle
from sirbench.training.guard import Guard
from sirbench.training.optimizer import make_optimizer
from sirbench.training.record import Record, trace
from sirbench.training.schedule import Schedule
from sirbench.training.signals import stop_signals


@dataclass(frozen=True)
class Task:
    """One training job."""

    name: str
    """What error messages and the progress bar call it."""
    encoder: CrossEncoder
    """Its `model` is trained in place."""
    queries: Sequence[TrainingQuery]
    step_function: Callable[[Blocks, Score, Options], Outcome]
    """One of `sirbench.strategies.STEPS`."""
    options: Options
    settings: Training
    epochs: int
    seed: int
    folder: Path
    """Where the checkpoint and the record are kept until the job has ended."""
    fingerprint: str
    """Digest of everything that the result depends on; a checkpoint of another one is not resumed."""
    fixed_blocks: bool = False
    level: int = 0
    """Number of the one level that is trained, for the selection trace; 0 where a step has them all."""
    keep_middle: bool = False
    """Keep the model as it is in the middle of training, as `middle/` in the folder."""
    gradient: Gradient = "cached"


def train(task: Task) -> tuple[Record, Progress]:
    """Train, resuming from the checkpoint in `task.folder` if there is one, to the same bytes.

    Returns what was written down and the time spent. SIGTERM and SIGINT write a checkpoint and raise
    `Interrupted`; a NaN loss or a constant scorer raises `TrainingError`.
    """
    model = task.encoder.model.train()
    schedule = Schedule(len(task.queries), task.settings.blocks_per_step, task.epochs, task.seed)
    optimizer, scheduler = make_optimizer(model, task.settings, schedule.steps)
    checkpoint = task.folder / "state.pt"
    progress = load_checkpoint(checkpoint, task.fingerprint, model, optimizer, scheduler)
    record = Record(task.folder, progress.step)
    guard = Guard(task.name)
    started = time.monotonic() - progress.seconds

    bar = tqdm(
        desc=task.name,
        total=schedule.steps,
        initial=progress.step,
        unit="step",
        disable=distributed.rank() > 0,
    )
    with stop_signals() as stop, bar:
        for step in range(progress.step, schedule.steps):
            step_started = time.monotonic()
            epoch, chosen = schedule.at(step)
            outcome, blocks = forward_backward(task, step, epoch, chosen)
            loss = distributed.total(float(outcome.loss.detach().sum()) / len(chosen))
            distributed.sum_gradients(model.parameters())
            limit = task.settings.gradient_clip or float("inf")
            gradient_norm = float(nn.utils.clip_grad_norm_(model.parameters(), limit))
            guard.check(step, loss, gradient_norm, outcome.levels[0])
            rate = optimizer.param_groups[0]["lr"]
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad(set_to_none=True)

            record.write(step, epoch, loss, rate, gradient_norm)
            record.trace(trace(outcome, blocks, step, epoch, task.level))
            pairs = sum(int(level.mask.sum()) for level in outcome.levels) * distributed.workers()
            speed = pairs / (time.monotonic() - step_started)
            bar.set_postfix_str(f"loss {loss:.3f}, {speed:.0f} pairs/s", refresh=False)
            bar.update()

            done, stopping = step + 1, distributed.total(stop.is_set()) > 0
            if task.keep_middle and done == schedule.middle:
                save_middle(task.folder / "middle", model)
            if stopping or done % task.settings.checkpoint_every == 0 or done == schedule.steps:
                progress = Progress(done, time.monotonic() - started)
                record.flush(done)
                save_checkpoint(checkpoint, task.fingerprint, progress, model, optimizer, scheduler)
            if stopping and done < schedule.steps:
                raise Interrupted(
                    f"{task.name}: stopped by a signal after {done} steps; start it again to resume"
                )
    return record, progress


def forward_backward(
    task: Task, step: int, epoch: int, chosen: np.ndarray
) -> tuple[Outcome, list[tuple[str, Block]]]:
    """Add the gradient of this worker's share of a step's blocks; return the outcome and the blocks.

    The loss of a step is the mean over its blocks, whoever computes them.
    """
    mine = [task.queries[i] for i in chosen[distributed.rank() :: distributed.workers()]]
    size = task.options.sizes[0]
    blocks = [draw_block(query, size, task.seed, epoch, fixed=task.fixed_blocks) for query in mine]
    # Dropout is a function of (seed, step, worker), so that resuming needs no random state.
    dropout = random_generator("dropout", task.seed, step, distributed.rank())
    torch.manual_seed(int(dropout.integers(2**62)))
    score = block_scorer(task.encoder, blocks, task.gradient)
    outcome = task.step_function(block_tensors(blocks, task.encoder.device), score, task.options)
    if outcome.loss.requires_grad:  # a worker may have no block in the last step of an epoch
        (outcome.loss.sum() / len(chosen)).backward()
    return outcome, [(query.id, block) for query, block in zip(mine, blocks, strict=True)]
