"""Training a dual encoder: queries in, whatever negatives and loss the policy has."""

from dataclasses import dataclass
from math import ceil

from sirbench.firststage.dual_encoder.negatives import Policy
from sirbench.firststage.dual_encoder.queries import make_batch
from sirbench.study import FirstStageTraining
from sirbench.training.loop import seed_dropout
from sirbench.training.schedule import Schedule
from sirbench.training.task import Step, Task


@dataclass(frozen=True, kw_only=True)
class DenseTraining(Task):
    """`settings.steps` steps of `settings.batch` queries, every query once per epoch."""

    settings: FirstStageTraining
    policy: Policy

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.settings.steps

    @property
    def schedule(self) -> Schedule:
        """Which queries each step has."""
        queries, batch = len(self.policy.queries), self.settings.batch
        return Schedule(queries, batch, ceil(self.steps / ceil(queries / batch)), self.settings.seed)

    def forward_backward(self, step: int) -> Step:
        """The policy's loss of the step's queries."""
        epoch, indices = self.schedule.at(step)
        batch = make_batch(self.policy.queries, indices, self.settings.seed, epoch)
        seed_dropout(self.settings.seed, step)
        loss = self.policy.loss(batch, step)
        loss.value.backward()
        return Step(float(loss.value.detach()), loss.texts, {"epoch": epoch})

    def start(self, step: int) -> None:
        """Let the policy find its negatives, or get them back."""
        self.policy.start(step)

    def after(self, done: int) -> None:
        """Let the policy refresh its negatives."""
        self.policy.after(done)

    def flush(self, done: int) -> None:
        """Let the policy forget what no resume needs any more."""
        self.policy.flush(done)
