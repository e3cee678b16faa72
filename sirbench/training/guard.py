"""Training that has gone wrong in a way no further step mends: say so at once, with the step."""

import math

from sirbench.machine.errors import TrainingError

PATIENCE = 2
"""Checkpoints in a row at which a model must have collapsed before training ends; the last step needs one."""

REMEDY = "lower training.learning_rate (5e-5 is too much for some backbones), or try another seed"


class Guard:
    """Watches losses and the model of one training job."""

    def __init__(self, name: str):
        self.name = name
        self.collapsed = 0

    def check(self, step: int, loss: float, gradient_norm: float) -> None:
        """Raise `TrainingError` for a loss or gradient that is not finite."""
        if not math.isfinite(loss) or not math.isfinite(gradient_norm):
            raise TrainingError(
                f"{self.name}: step {step}: the loss is {loss}, its gradient's norm {gradient_norm}; {REMEDY}"
            )

    def look(self, step: int, collapsed: bool, *, last: bool) -> None:
        """Raise `TrainingError` for a model that stays collapsed; called where a checkpoint is due.

        A model that is on its way out of a plateau gets until the next checkpoint.
        """
        self.collapsed = self.collapsed + 1 if collapsed else 0
        if self.collapsed == PATIENCE or (collapsed and last):
            raise TrainingError(
                f"{self.name}: step {step}: every document of a query has the same score: the model has "
                f"collapsed to a constant; {REMEDY}"
            )
