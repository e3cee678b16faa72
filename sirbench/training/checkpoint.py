"""Checkpoints: everything that a killed job needs to go on as if nothing had happened.

No random state is kept: every draw, dropout included, is seeded by (seed, step), so the position in the
data is all that has to be remembered.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from transformers import PreTrainedModel

from sirbench.machine.atomic import atomic_file, atomic_folder
from sirbench.machine.provenance import digest
from sirbench.study import Compute
from sirbench.training import distributed

logger = logging.getLogger(__name__)


class Progress(NamedTuple):
    """How far a training job is."""

    step: int
    """Optimiser steps done."""
    seconds: float
    """Wall time spent on them, over all attempts."""
    collapsed: int = 0
    """Times in a row, the last one included, that the model was looked at and had collapsed."""
    diverged: str = ""
    """How and at which step training has diverged; "" where it has not."""


def fingerprint(made_from: Mapping[str, Any], compute: Compute) -> str:
    """What a checkpoint must share with a training that resumes it.

    Args:
        made_from: settings, the revision of the method, and checksums of every file that is read.
        compute: its arithmetic: next steps must not be computed otherwise than those before.
    """
    return digest({**made_from, "compute": compute.arithmetic})


def save_checkpoint(
    path: Path,
    fingerprint: str,
    progress: Progress,
    model: nn.Module,
    optimizer: Optimizer,
    scheduler: LRScheduler,
) -> None:
    """Replace the checkpoint at `path` (worker 0 does); a kill at any time leaves the old or the new one.

    Raises OSError where it cannot be written; the old one is left then.
    """
    state = {
        "fingerprint": fingerprint,
        "progress": tuple(progress),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
    }
    if distributed.rank() > 0:
        return
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:
            # torch says "unexpected pos" of a full disk; what the file said is in the context.
            if isinstance(reason := error.__context__, OSError):
                raise OSError(reason.errno, reason.strerror, str(path)) from None
            raise


def save_middle(folder: Path, model: PreTrainedModel) -> None:
    """Keep the model as it is in the middle of training (worker 0 does), for figures of how it changes.

    Called before the checkpoint of the same step: a job that resumes beyond the middle has it already.
    """
    if distributed.rank() == 0:
        with atomic_folder(folder) as temporary:
            model.save_pretrained(temporary)


def load_checkpoint(
    path: Path, fingerprint: str, model: nn.Module, optimizer: Optimizer, scheduler: LRScheduler
) -> Progress:
    """Restore the state from `path`, or start at step 0 if it is missing, damaged or of another fingerprint.

    The last two are warnings, not errors: to start anew is all that one could do, and it costs time only.
    """
    start = Progress(step=0, seconds=0.0)
    if not path.exists():
        return start
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError) as error:
        logger.warning("%s: damaged (%s); training starts anew", path, str(error).partition("\n")[0])
        return start
    if state.get("fingerprint") != fingerprint:
        logger.warning("%s: of other settings or inputs; training starts anew", path)
        return start
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    progress = Progress(*state["progress"])
    logger.info("%s: resuming after %d steps", path, progress.step)
    return progress
