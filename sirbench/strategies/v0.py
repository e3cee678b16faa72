"""Strategy V0: one group of random negatives, no compressor (the paper's baseline, and LCE)."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from sirbench.strategies.levels.one_level import OneLevel


class V0(OneLevel):
    """A positive and random negatives, drawn anew for each query and epoch."""

    @model_validator(mode="after")
    def _has_one_level(self) -> Self:
        if len(self.levels) != 1:
            raise ValueError(f"levels: v0 has one level, the group it trains on, not {self.levels}")
        return self
