"""The paper's heart as pure tensor code: what a step of each strategy scores, keeps and minimises.

Each file here is a strategy: one class derived from `Strategy`, whose fields are the options of its recipes
and whose methods are a step and its cost. `levels/` has what strategies share (blocks, selection, running
all levels, the readings of Eq. 7), `losses/` a file for each loss.

A batch of blocks is two tensors of shape (batch, documents): `mask` (False where a short block is padded)
and `keys` (uniform random numbers, which make Random-K a Top-K by key). Position 0 of every block is the
positive. Nothing here reads a file, knows a model, or draws a random number; `score` is whatever turns
positions into scores.

The files of strategies and losses import torch, and what needs it, where they compute: every reading of
config/ imports these files, and torch takes seconds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pydantic import field_validator

from sirbench.strategies.losses import LOSSES
from sirbench.study.recipe import Recipe
from sirbench.study.registry import Registry
from sirbench.study.settings import Choice

if TYPE_CHECKING:
    from sirbench.strategies.levels.blocks import Blocks, Outcome, Score


class Pairs(NamedTuple):
    """How many (query, document) pairs go through the encoder."""

    with_gradient: float = 0
    """In training, forward and backward."""
    forward_only: float = 0
    """Forward alone: levels without a loss, the scoring of a compressor's input, re-ranking."""

    def plus(self, other: Pairs) -> Pairs:
        """Both together."""
        return Pairs(self.with_gradient + other.with_gradient, self.forward_only + other.forward_only)

    def times(self, count: float) -> Pairs:
        """As many of both."""
        return Pairs(self.with_gradient * count, self.forward_only * count)

    @property
    def forwards(self) -> float:
        """All of them; forwards that a gradient cache repeats do not count."""
        return self.with_gradient + self.forward_only


class Strategy(Recipe):
    """A recipe that can be trained: its options, what a step computes, and the pairs that a step costs."""

    chain: ClassVar[Literal["backbone", "level before"] | None] = None
    """None: one training has all levels in every step. Otherwise a training for each level, one after the
    other, on what the trained level before kept: this says where the weights of each start from."""

    @abstractmethod
    def step(self, blocks: Blocks, score: Score) -> Outcome:
        """The loss of a batch of blocks, at most `levels[0]` wide, and the levels that were computed."""

    @abstractmethod
    def pairs(self) -> Pairs:
        """Pairs of one query in one step."""

    def selects(self, level: int) -> bool:
        """Whether the scores of a level (from 1) decide what the next one sees."""
        return False

    def at_level(self, levels: Sequence[int]) -> Strategy:
        """What trains one level of a chain: on a block of `levels[0]`, cut to `levels[-1]` at random."""
        raise TypeError(f"{self.strategy} trains all levels together")

    @property
    def trainings(self) -> int:
        """How many trainings the recipe takes, one after the other."""
        return len(self.levels) if self.chain else 1

    @field_validator("loss")
    @classmethod
    def _loss_has_a_file(cls, loss: Choice) -> Choice:
        LOSSES.make(loss)
        return loss


STRATEGIES: Registry[Strategy] = Registry(__name__, Strategy, "strategies")
"""Every strategy, by the name that recipes give it."""
