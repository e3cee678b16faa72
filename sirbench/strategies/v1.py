"""Strategy V1: a model per level, each from the backbone; a trained level selects for the next (Eq. 4)."""

from __future__ import annotations

from typing import ClassVar, Literal

from sirbench.strategies.levels.one_level import Chain


class V1(Chain):
    """Levels one after the other; the model of the last is the result."""

    chain: ClassVar[Literal["backbone"]] = "backbone"
