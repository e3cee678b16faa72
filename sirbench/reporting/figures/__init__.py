"""Kinds of figures: each file here is one, found by its name, and holds three things.

* `NEEDS: tuple[str, ...]`: the keys of a figure's file that this kind cannot do without, e.g. `("table",)`.
* `inputs(figure, config) -> list[Path]`: the files that the workflow makes before it draws the figure.
* `draw(figure, config) -> Drawing`: the figure, drawn from those of its inputs that are there; it says on
  its face what is missing. The style is already on, and a canvas comes from `drawing.style`.

Kinds are imported whenever config/ is read: they import matplotlib and its like only when they draw.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import ModuleType

    import pandas as pd
    from matplotlib.figure import Figure as Canvas

    from sirbench.study import Figure


class Drawing(NamedTuple):
    """A drawn figure, and beside it every number that was drawn."""

    canvas: Canvas
    data: pd.DataFrame


def kind_of(figure: Figure) -> ModuleType:
    """Return the module that draws figures of this kind."""
    return import_module(f"{__name__}.{figure.kind.replace('-', '_')}")
