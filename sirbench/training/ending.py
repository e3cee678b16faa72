"""The end of a training, whatever was trained: the log, the model and the provenance are handed on."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from sirbench.machine.device import describe_device
from sirbench.machine.manifest import recorded_file, recorded_folder
from sirbench.machine.provenance import write_provenance
from sirbench.training import STEP_LOG, distributed
from sirbench.training.checkpoint import Progress


class Destination(Protocol):
    """Where a training's results go."""

    @property
    def model(self) -> Path:
        """The trained checkpoint, with its tokenizer."""

    @property
    def step_log(self) -> Path:
        """The log of its steps."""

    @property
    def provenance(self) -> Path:
        """Where it comes from; written last, so that it says that the rest is there."""

    @property
    def checkpoint(self) -> Path:
        """The folder that it was trained in."""


def finish(
    destination: Destination,
    progress: Progress,
    device: torch.device,
    made_from: Mapping[str, Any],
    save: Callable[[Path], None],
) -> None:
    """Write all that a training hands on; worker 0 calls it.

    Args:
        destination: where to; the log is taken from its checkpoint folder, which the caller deletes.
        progress: the steps, the time spent, and whether training diverged.
        device: what was computed on.
        made_from: what the provenance says of the result besides time and machine.
        save: writes model and tokenizer into an empty folder.
    """
    with recorded_file(destination.step_log) as temporary:
        shutil.copyfile(destination.checkpoint / STEP_LOG, temporary)
    with recorded_folder(destination.model) as temporary:
        save(temporary)
    workers = distributed.workers()
    spent = {
        "seconds": progress.seconds,
        "gpu_seconds": progress.seconds * workers if device.type == "cuda" else 0.0,
        "workers": workers,
        **describe_device(device),
    }
    outcome = {"diverged": progress.diverged or None}
    write_provenance(destination.provenance, {**made_from, **outcome, **spent})
