"""Training that has gone wrong in a way no further step mends: say so at once, with the step."""

import math

from torch import Tensor

from sirbench.errors import TrainingError
from sirbench.strategies import Level

PATIENCE = 10
"""Steps in a row on which all documents must score alike before a model counts as collapsed."""

REMEDY = "lower training.learning_rate (5e-5 is too much for some backbones), or try another seed"


class Guard:
    """Watches losses and scores of one training job."""

    def __init__(self, name: str):
        self.name = name
        self.constant_steps = 0

    def check(self, step: int, loss: float, gradient_norm: float, level: Level | None) -> None:
        """Raise `TrainingError` for a loss or gradient that is no number, or a scorer that has collapsed.

        `level` is the step's first, which has the most documents; None where a job has no scores to watch.
        """
        if not math.isfinite(loss) or not math.isfinite(gradient_norm):
            raise TrainingError(
                f"{self.name}: step {step}: the loss is {loss}, its gradient's norm {gradient_norm}; {REMEDY}"
            )
        if level is None:
            return
        self.constant_steps = self.constant_steps + 1 if is_constant(level.scores, level.mask) else 0
        if self.constant_steps == PATIENCE:
            raise TrainingError(
                f"{self.name}: step {step}: for {PATIENCE} steps every document of a block has had the same "
                f"score: the model has collapsed to a constant; {REMEDY}"
            )


def is_constant(scores: Tensor, mask: Tensor) -> bool:
    """Whether no block has two documents with scores apart by more than rounding (False if none has two)."""
    several = mask.sum(dim=1) > 1
    if not bool(several.any()):
        return False
    scores, mask = scores.detach()[several], mask[several]
    highest = scores.masked_fill(~mask, -math.inf).amax(dim=1)
    lowest = scores.masked_fill(~mask, math.inf).amin(dim=1)
    return bool((highest - lowest <= 1e-6 * highest.abs().clamp(min=1)).all())
