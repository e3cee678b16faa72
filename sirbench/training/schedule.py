"""Which queries a step trains on: a function of (seed, step), so a resumed run needs no memory of it."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from sirbench.machine.randomness import random_generator


@dataclass(frozen=True)
class Schedule:
    """Every query once per epoch, in an order drawn anew each epoch, so many at a step."""

    queries: int
    per_step: int
    epochs: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; the last one has the queries that are left."""
        return ceil(self.queries / self.per_step)

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.steps_per_epoch * self.epochs

    @property
    def middle(self) -> int:
        """How many steps the first half of training has; the larger half, so that it is never empty."""
        return middle_step(self.steps)

    def at(self, step: int) -> tuple[int, np.ndarray]:
        """The epoch of a step (from 0) and the indices of its queries."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _order(self.seed, epoch, self.queries)
        return epoch, order[place * self.per_step : (place + 1) * self.per_step]


def middle_step(steps: int) -> int:
    """The number of steps after which the middle of a training of `steps` steps is reached."""
    return ceil(steps / 2)


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, queries: int) -> np.ndarray:
    return random_generator("order", seed, epoch).permutation(queries)
