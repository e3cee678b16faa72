"""Where negatives come from: a policy is one file here with a class `Negatives`, found by its name.

A policy also has the loss of its paper, and may have a state of its own, kept beside the checkpoint. Its
options are the fields that it adds to those of `Policy`.
"""

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from typing import ClassVar, NamedTuple

from torch import Tensor

from sirbench.firststage import Learning
from sirbench.firststage.dual_encoder.encoder import DualEncoder
from sirbench.firststage.dual_encoder.queries import Batch, Query
from sirbench.machine.errors import InputError


class Loss(NamedTuple):
    """The loss of a step, with gradient, and how many texts were encoded for it."""

    value: Tensor
    texts: int


@dataclass(kw_only=True)
class Policy(ABC):
    """How a step of training comes by its negatives, and what loss it takes of them.

    The hooks are those of `sirbench.training.task.Task`.
    """

    separate: ClassVar[bool] = False
    """Whether documents have an encoder of their own."""

    learning: Learning
    encoder: DualEncoder
    queries: Sequence[Query]

    @abstractmethod
    def loss(self, batch: Batch, step: int) -> Loss:
        """The loss of a step (from 0), a function of the step, the encoder and the policy's state."""

    def start(self, step: int) -> None:
        """Before the first step of this attempt: make the state, or get back the one of this step."""

    def after(self, done: int) -> None:
        """After the optimiser's step, `done` steps in all."""

    def flush(self, done: int) -> None:
        """A checkpoint of `done` steps is about to be written."""

    def check(self, option: str, low: float, high: float = float("inf")) -> None:
        """Raise `InputError` unless the option of this name is between two bounds."""
        value = getattr(self, option)
        if not low <= value <= high:
            allowed = f"{low} or more" if high == float("inf") else f"{low} to {high}"
            raise InputError(f"candidates.*.options.{option}: {value}; allowed: {allowed}")


def policy(name: str, options: Mapping[str, object]) -> type[Policy]:
    """The policy of this name; `InputError` where there is none, or it lacks one of the options."""
    known = sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise InputError(f"candidates.*.options.negatives: {name!r}; allowed: {', '.join(known)}")
    found = import_module(f"{__name__}.{name.replace('-', '_')}").Negatives
    allowed = sorted({it.name for it in fields(found) if it.init} - {it.name for it in fields(Policy)})
    for option in options:
        if option not in allowed:
            raise InputError(
                f"candidates.*.options.{option}: negatives: {name} has no such option; "
                f"allowed: {', '.join(allowed)}"
            )
    return found
