"""Training that has gone wrong in a way no further step mends: say so at once, with the step."""

import math

from sirbench.encoding.collapse import Scores
from sirbench.machine.errors import TrainingError
from sirbench.training.checkpoint import Progress

PATIENCE = 2
"""Checkpoints in a row at which a model must have collapsed before training ends; the last step needs one."""

REMEDY = "lower learning_rate (5e-5 is too much for some backbones)"


class Diverged(TrainingError):
    """Training has diverged, and does so again however often it is resumed; `progress` says when and how."""

    def __init__(self, name: str, progress: Progress):
        super().__init__(f"{name}: {progress.diverged}; {REMEDY}")
        self.progress = progress


class Guard:
    """Watches losses and the model of one training job. What it finds is a sentence, "" where all is well."""

    def __init__(self, collapsed: int = 0):
        """Go on watching after so many checkpoints in a row at which the model had collapsed."""
        self.collapsed = collapsed

    def numbers(self, step: int, loss: float, gradient_norm: float) -> str:
        """Ask whether a step's loss and gradient are finite."""
        if math.isfinite(loss) and math.isfinite(gradient_norm):
            return ""
        return f"at step {step} the loss is {loss} and the norm of its gradient {gradient_norm}"

    def scores(self, step: int, scores: Scores, *, last: bool) -> str:
        """Ask whether the model still ranks; called where a checkpoint is due.

        A model that is on its way out of a plateau gets until the next checkpoint.
        """
        if scores == "not finite":
            return f"after step {step} the model's scores are not finite numbers"
        self.collapsed = self.collapsed + 1 if scores == "constant" else 0
        if self.collapsed == PATIENCE or (self.collapsed and last):
            return (
                f"after step {step} every document of a query has the same score: the model has collapsed "
                "to a constant"
            )
        return ""
