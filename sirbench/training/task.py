"""What the training loop is given: a model, how many steps, and how a step makes its gradient."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import nn

from sirbench.encoding.collapse import Scores
from sirbench.study import Optimization


class Step(NamedTuple):
    """What one worker did in one step, its gradient apart, which lies in the model's parameters."""

    loss: float
    """This worker's share of the step's loss: the shares of all workers add up to it."""
    inputs: int
    """Pairs (or texts) that went through the model, for the speed."""
    notes: Mapping[str, float] = {}
    """What else the step log says of the step, e.g. its epoch; the same for every worker."""
    shares: Mapping[str, float] = {}
    """What it says besides of which each worker has a share, as of the loss; all workers have these names."""


@dataclass(frozen=True)
class Task(ABC):
    """One training job. The loop calls `start`, then for each step `forward_backward` and `after`."""

    name: str
    """What error messages and the progress bar call it."""
    model: nn.Module
    """Trained in place."""
    settings: Optimization
    folder: Path
    """Where the checkpoint and the record are kept until the job has ended."""
    fingerprint: str
    """Digest of everything that the result depends on; a checkpoint of another one is not resumed."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """Optimiser steps in all."""

    @abstractmethod
    def forward_backward(self, step: int) -> Step:
        """Add the gradient of this worker's share of a step (from 0), a function of the step alone."""

    def look_at_scores(self) -> Scores:
        """What the model's scores are like without dropout; a model that has none is not suspected.

        It draws nothing at random, and leaves the model in training mode.
        """
        return "differ"

    def start(self, step: int) -> None:
        """Before the first step of this attempt: forget what was written down of `step` and later ones."""

    def after(self, done: int) -> None:
        """After the optimiser's step, `done` steps in all, before the checkpoint of that moment."""

    def flush(self, done: int) -> None:
        """Bring to disk what was written down of `done` steps; called just before a checkpoint."""
