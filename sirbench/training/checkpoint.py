"""Checkpoints: everything that a killed job needs to go on as if nothing had happened.

No random state is kept: every draw, dropout included, is seeded by (seed, step), so the position in the
data is all that has to be remembered. The last two are kept. One serves if it is whole to the last bit, and
the records of training beside it (its log, its selection trace) still begin as they did when it was written.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from transformers import PreTrainedModel

from sirbench.machine.atomic import atomic_file, atomic_folder
from sirbench.machine.provenance import digest
from sirbench.machine.seal import is_sealed, seal, sha256_of_beginning
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
    """Write the checkpoint at `path` (worker 0 does), and keep the one that was there as the one before.

    A kill at any time leaves the old one or the new one. Raises OSError where it cannot be written; the old
    one is left then.
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
    state["records"] = dict(_records(path.parent))
    with atomic_file(path) as temporary:
        with temporary.open("wb") as file:
            try:
                torch.save(state, file)
            except RuntimeError as error:
                # torch says "unexpected pos" of a full disk; what the file said is in the context.
                if isinstance(reason := error.__context__, OSError):
                    raise OSError(reason.errno, reason.strerror, str(path)) from None
                raise
        seal(temporary)
        if path.exists():
            path.replace(before(path))


def before(path: Path) -> Path:
    """Where the checkpoint before the one at `path` is."""
    return path.with_stem(f"{path.stem}-before")


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
    """Restore the state from `path`, or from the checkpoint before it, or start at step 0.

    Worker 0 finds out which of them serves, so that all have the same; a newer one is deleted. One that is
    damaged or of another fingerprint is a warning, not an error: an older one costs time only.
    """
    serving = _serving(path, fingerprint) if distributed.rank() == 0 else None
    chosen = distributed.gather(serving and serving[0])[0]
    if chosen is None:
        return Progress(step=0, seconds=0.0)
    state = serving[1] if serving else torch.load(chosen, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    if distributed.rank() == 0 and chosen != path:
        path.unlink(missing_ok=True)
    progress = Progress(*state["progress"])
    logger.info("%s: resuming after %d steps", chosen, progress.step)
    return progress


def _serving(path: Path, fingerprint: str) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that serves, with its content; what is wrong with others is said."""
    problems: list[str] = []
    found = None
    for kept in (path, before(path)):
        if not kept.exists():
            continue
        state = torch.load(kept, map_location="cpu", weights_only=True) if is_sealed(kept) else None
        if state is None:
            problem = "damaged (its sha256 is not the one that it ends with)"
        elif state.get("fingerprint") != fingerprint:
            problem = "of other settings or inputs"
        elif changed := _changed(kept.parent, state["records"]):
            problem = f"damaged ({changed} is not as it was when this was written)"
        else:
            found = kept, state
            break
        problems.append(f"{kept}: {problem}")
    for problem in problems:
        logger.warning("%s; %s", problem, "the one before serves" if found else "training starts anew")
    return found


RECORDS = ("*.jsonl", "*.parquet")
"""The files beside a checkpoint that results are made of. A log grows after it, other files stay."""


def _records(folder: Path) -> Iterator[tuple[str, tuple[int, str]]]:
    """Name, size and sha256 of each record, once it is on disk."""
    for record in sorted(path for pattern in RECORDS for path in folder.glob(f"[!.]{pattern}")):
        with record.open("rb") as file:
            os.fsync(file.fileno())
        size = record.stat().st_size
        yield record.name, (size, sha256_of_beginning(record, size))


def _changed(folder: Path, records: Mapping[str, tuple[int, str]]) -> str | None:
    """The name of a record that is missing or does not begin as it did; None where all do."""
    for name, (size, sha256) in records.items():
        path = folder / name
        now = path.stat().st_size if path.is_file() else -1
        grown = now > size and path.suffix == ".jsonl"
        if not (now == size or grown) or sha256_of_beginning(path, size) != sha256:
            return name
    return None
