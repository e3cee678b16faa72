"""Strategy V2: as V1, but each level starts from the weights of the level before."""

from __future__ import annotations

from typing import ClassVar, Literal

from sirbench.strategies.levels.one_level import Chain


class V2(Chain):
    """Levels one after the other, one model that goes on; what the last level leaves is the result."""

    chain: ClassVar[Literal["level before"]] = "level before"
