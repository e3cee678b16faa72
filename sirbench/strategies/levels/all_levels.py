"""All levels of a block in one step, with one model: what V3 and V4 have in common (Algorithm 1)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Literal, Self

from pydantic import model_validator

from sirbench.strategies import Pairs, Strategy
from sirbench.study.recipe import Selection


class AllLevels(Strategy):
    """Levels 1 to M in every step; a front level selects what the next one sees."""

    selection: Selection = "top"
    """What a compressor passes on: its highest-scored negatives, or as many at random, anew in each step."""
    loss_levels: list[int] | None = None
    """Levels (from 1) whose loss is summed; null: first and last for V3 (Eq. 5), all for V4 (Eq. 9)."""
    forward: Literal["fresh", "shared"] = "fresh"
    """Run the model again on the kept documents (Algorithm 1, line 1), or reuse level 1's scores."""

    @abstractmethod
    def with_loss(self) -> Sequence[int]:
        """The levels (from 1) whose loss is summed."""

    def with_gradient(self) -> Collection[int]:
        """The levels whose scores carry the gradient to the model."""
        return self.with_loss()

    def selects(self, level: int) -> bool:
        """Whether the scores of a level decide what the next one sees."""
        return self.selection == "top" and level < len(self.levels)

    def pairs(self) -> Pairs:
        """Levels with gradient, and those that only select (`levels.running.run_levels` forwards these)."""
        if self.forward == "shared":
            return Pairs(self.levels[0])
        trained = set(self.with_gradient())
        numbered = list(enumerate(self.levels, start=1))
        return Pairs(
            sum(size for level, size in numbered if level in trained),
            sum(size for level, size in numbered if level not in trained and self.selects(level)),
        )

    @model_validator(mode="after")
    def _loss_levels_are_levels(self) -> Self:
        if self.loss_levels is None:
            return self
        if not self.loss_levels or len(set(self.loss_levels)) < len(self.loss_levels):
            raise ValueError(f"loss_levels: {self.loss_levels} must name one level or more, each once")
        for level in self.loss_levels:
            if not 1 <= level <= len(self.levels):
                raise ValueError(f"loss_levels: there is no level {level}; allowed: 1 to {len(self.levels)}")
        return self
