"""Kinds of figures: each file here holds a class derived from `Kind`; figures name it by its file.

A figure of config/figures/ says `kind: my-kind` for `my_kind.py` beside these; the fields of the class are
its other keys. `drawing/` has what kinds share: the style, panels, and the bases of kinds that draw a table
or the semantic space of negatives.

Reading config/ imports these files: they import matplotlib, what needs it, and tables, where they draw.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sirbench.study import Figure, Registry

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Canvas

    from sirbench.jobs.configuration import Configuration


class Drawing(NamedTuple):
    """A drawn figure, and beside it every number that was drawn."""

    canvas: Canvas
    data: pd.DataFrame


class Kind(Figure):
    """A figure that can be drawn."""

    @abstractmethod
    def inputs(self, config: Configuration) -> list[Path]:
        """The files that the workflow makes before it draws the figure."""

    @abstractmethod
    def draw(self, config: Configuration) -> Drawing:
        """The figure, from those of its inputs that are there; it says on its face what is missing.

        It is called within `drawing.style.applied()`; a canvas comes from `drawing.style` too, which puts
        the warning of a demonstration on it.
        """

    @property
    def source(self) -> Path:
        """The file that draws it."""
        return Path(inspect.getfile(type(self)))


KINDS: Registry[Kind] = Registry(__name__, Kind, "figures")
"""Every kind of figure, by the name that config/figures/ gives it."""


def draw(config: Configuration, name: str) -> Drawing:
    """A figure of a study as its kind draws it; call it within `drawing.style.applied()`.

    Of a demonstration it says on its face that its numbers mean nothing, whatever kind it is.
    """
    from sirbench.reporting.figures.drawing import style
    from sirbench.reporting.tables.presentation import DEMONSTRATION

    figure = config.figures[name]
    assert isinstance(figure, Kind), figure
    with style.warned(DEMONSTRATION if config.study.demonstration else ""):
        return figure.draw(config)
