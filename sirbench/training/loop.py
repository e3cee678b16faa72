"""The training loop, top to bottom."""

import time

import torch
from torch import nn
from tqdm import tqdm

from sirbench.machine.errors import Interrupted
from sirbench.machine.randomness import random_generator
from sirbench.training import STEP_LOG, distributed
from sirbench.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from sirbench.training.guard import Diverged, Guard
from sirbench.training.optimizer import make_optimizer
from sirbench.training.record import StepLog
from sirbench.training.signals import stop_signals
from sirbench.training.task import Task


def train(task: Task) -> Progress:
    """Train, resuming from the checkpoint in `task.folder` if there is one, to the same bytes.

    Leaves the model trained, and the step log in the folder; returns the steps and the time spent. SIGTERM
    and SIGINT write a checkpoint and raise `Interrupted`; a NaN loss or a constant scorer `Diverged`, which
    a job that is started again raises at once.
    """
    model = task.model.train()
    optimizer, scheduler = make_optimizer(model, task.settings, task.steps)
    checkpoint = task.folder / "state.pt"
    progress = load_checkpoint(checkpoint, task.fingerprint, model, optimizer, scheduler)
    if progress.diverged:
        raise Diverged(task.name, progress)
    log = StepLog(task.folder / STEP_LOG, progress.step)
    task.start(progress.step)
    guard = Guard(progress.collapsed)
    started = time.monotonic() - progress.seconds

    def keep(done: int, diverged: str) -> Progress:
        reached = Progress(done, time.monotonic() - started, guard.collapsed, diverged)
        task.flush(done)
        save_checkpoint(checkpoint, task.fingerprint, reached, model, optimizer, scheduler)
        if diverged:
            raise Diverged(task.name, reached)
        return reached

    bar = tqdm(
        desc=task.name,
        total=task.steps,
        initial=progress.step,
        unit="step",
        disable=distributed.rank() > 0,
    )
    with stop_signals() as stop, bar:
        for step in range(progress.step, task.steps):
            step_started = time.monotonic()
            one = task.forward_backward(step)
            asked_to_stop, loss, *shares = distributed.totals([stop.is_set(), one.loss, *one.shares.values()])
            distributed.sum_gradients(model.parameters())
            limit = task.settings.gradient_clip or float("inf")
            gradient_norm = float(nn.utils.clip_grad_norm_(model.parameters(), limit))
            if wrong := guard.numbers(step, loss, gradient_norm):
                keep(step + 1, wrong)  # the step that has no update counts: its blocks are in the record
            rate = optimizer.param_groups[0]["lr"]
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad(set_to_none=True)

            noted = {"loss": loss, "learning_rate": rate, "gradient_norm": gradient_norm}
            log.write({"step": step, **one.notes, **noted, **dict(zip(one.shares, shares, strict=True))})
            speed = one.inputs * distributed.workers() / (time.monotonic() - step_started)
            bar.set_postfix_str(f"loss {loss:.3f}, {speed:.0f} pairs/s", refresh=False)
            bar.update()

            done, stopping = step + 1, asked_to_stop > 0
            task.after(done)
            last = done == task.steps
            due = last or done % task.settings.checkpoint_every == 0
            wrong = guard.scores(step, task.look_at_scores(), last=last) if due else ""
            if stopping or due:
                progress = keep(done, wrong)
            if stopping and not last:
                raise Interrupted(
                    f"{task.name}: stopped by a signal after {done} steps; start it again to resume"
                )
    return progress


def seed_dropout(seed: int, step: int) -> None:
    """Make dropout a function of (seed, step, worker), so that resuming needs no random state."""
    dropout = random_generator("dropout", seed, step, distributed.rank())
    torch.manual_seed(int(dropout.integers(2**62)))
