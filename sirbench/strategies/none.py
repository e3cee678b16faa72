"""Strategy none: nothing is trained; the backbone already ranks, and its scores are the cell's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from sirbench.strategies import Pairs, Strategy

if TYPE_CHECKING:
    from sirbench.strategies.levels.blocks import Blocks, Outcome, Score


class Untrained(Strategy):
    """The backbone as it is. Its cells have a run and measures, but no model, steps or selection."""

    trains: ClassVar = False

    levels: list[int] = Field(default_factory=list, max_length=0)
    """None: there is no block."""

    @property
    def trainings(self) -> int:
        """None."""
        return 0

    def step(self, blocks: Blocks, score: Score) -> Outcome:
        """There is none; TypeError."""
        raise TypeError("recipes of strategy none train nothing")

    def pairs(self) -> Pairs:
        """None."""
        return Pairs()
