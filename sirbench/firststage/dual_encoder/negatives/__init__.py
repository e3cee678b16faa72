"""Policies: where the negatives of dense retrieval come from, and the loss that is taken of them.

Each file here holds a class derived from `Policy`; a study names it under the option `negatives` of `dense`,
alone or with options, which are the fields of the class: `negatives: {name: ance, refresh_every: 30}`. A
policy may have a state of its own, kept beside the checkpoint.

These files import torch, and what needs it, where they compute: every reading of config/ imports them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from pydantic import PrivateAttr

from sirbench.study.registry import Plugin, Registry

if TYPE_CHECKING:
    from torch import Tensor

    from sirbench.firststage import Learning
    from sirbench.firststage.dual_encoder.encoder import DualEncoder
    from sirbench.firststage.dual_encoder.queries import Batch, Query


class Loss(NamedTuple):
    """The loss of a step, with gradient, and how many texts were encoded for it."""

    value: Tensor
    texts: int


class Policy(Plugin):
    """Where the negatives of a training step come from, and the loss that is computed with them.

    A study sets the options only. `on` returns a copy that works on an encoder, and the other methods need
    such a copy. The hooks are those of `sirbench.training.task.Task`.
    """

    separate: ClassVar[bool] = False
    """Whether documents have an encoder of their own."""

    _learning: Learning = PrivateAttr()
    _encoder: DualEncoder = PrivateAttr()
    _queries: Sequence[Query] = PrivateAttr()

    def on(self, learning: Learning, encoder: DualEncoder, queries: Sequence[Query]) -> Self:
        """A copy that trains this encoder on these queries."""
        copy = self.model_copy()
        copy._learning, copy._encoder, copy._queries = learning, encoder, queries
        return copy

    @property
    def learning(self) -> Learning:
        """Settings and data of the training."""
        return self._learning

    @property
    def encoder(self) -> DualEncoder:
        """The encoder that is trained."""
        return self._encoder

    @property
    def queries(self) -> Sequence[Query]:
        """All training queries."""
        return self._queries

    @property
    def documents_per_query(self) -> int:
        """Documents that a step encodes for each of its queries, with gradient: the positive, here."""
        return 1

    def encodings(self, steps: int, continued: bool) -> int:
        """How often so many steps encode all documents; `continued` from a trained encoder."""
        return 0

    @abstractmethod
    def loss(self, batch: Batch, step: int) -> Loss:
        """The loss of a step (from 0), a function of the step, the encoder and the policy's state."""

    def start(self, step: int) -> None:
        """Before the first step of this attempt: make the state, or restore the one of this step."""

    def after(self, done: int) -> None:
        """After the optimiser's step, `done` steps in all."""

    def flush(self, done: int) -> None:
        """A checkpoint of `done` steps is about to be written."""


POLICIES: Registry[Policy] = Registry(__name__, Policy, "negatives")
"""Every policy, by the name that studies give it."""
