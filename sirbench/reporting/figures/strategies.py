"""Kind `strategies`: strategies V0 to V4 beside each other, per backbone, candidates and measure (Figure 4)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sirbench import plan
from sirbench.layout import Layout
from sirbench.reporting import style
from sirbench.reporting.figures import Drawing
from sirbench.reporting.measured import missing_notes, table_numbers
from sirbench.reporting.presentation import DEMONSTRATION, paper_name

if TYPE_CHECKING:
    from sirbench.config import Configuration
    from sirbench.study import Figure

NEEDS = ("table",)


def inputs(figure: Figure, config: Configuration) -> list[Path]:
    """The table whose numbers are drawn, where the study has any of its cells."""
    return (
        [Layout(config.name).table(figure.table)] if plan.cells(config, config.tables[figure.table]) else []
    )


def draw(figure: Figure, config: Configuration) -> Drawing:
    """A panel per measure and candidates; strategies from left to right, a colour per backbone."""
    raise NotImplementedError
