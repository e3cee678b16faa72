"""Kind `space-quality`: does what is measured of the negatives go with how well the ranker ranks?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from sirbench.data.frames import read_frame
from sirbench.evaluation.association import between_groups, within_groups
from sirbench.evaluation.measures import read_per_query
from sirbench.evaluation.space import measure_space
from sirbench.jobs.needs import space_cells
from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.figures.drawing.embedded import SpaceKind
from sirbench.reporting.figures.drawing.panels import look_of
from sirbench.reporting.figures.space_measures import ROWS, block_draws

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sirbench.jobs.configuration import Configuration

PANEL_HEIGHT, ABOVE_PANELS, IN_A_ROW = 1.25, 0.3, 3
"""Inches: of each row of panels, and of what is written above them; and panels in a row."""
ASSOCIATIONS = [f"{where}{end}" for where in ("between", "within") for end in ("", "_low", "_high")]
COLUMNS = [*("candidates", "backbone", "recipe", "seed"), *("measure", "value", "quality"), *ASSOCIATIONS]
WHAT_THEY_ARE = (
    "Each point is a trained cell: what its classifier's negatives came to in the last epoch, and its mean "
    "over dev queries. r between: Spearman's, of the recipes' means over seeds; r within: common to all "
    "recipes, of the differences from them; with 95 % intervals. Neither says that one causes the other."
)


class SpaceQuality(SpaceKind):
    """A panel per measure of the space: a point per cell, its quality from bottom to top."""

    compares_seeds: ClassVar[bool] = True

    def inputs(self, config: Configuration) -> list[Path]:
        """What is known of the space of every cell, and its measures."""
        return [*super().inputs(config), *(cell.per_query for cell in space_cells(config, self.space))]

    def draw(self, config: Configuration) -> Drawing:
        """The panels; the CSV has each point, and with each measure's points its two correlations."""
        from sirbench.reporting.tables.presentation import paper_name

        parts = [pd.DataFrame(columns=COLUMNS)]
        for cell in self.embedded(config):
            if cell.per_query.exists():
                measured = measure_space(
                    read_frame(cell.selection), self.embeddings(cell), block_draws(config, cell)
                )
                last = measured[(measured["epoch"] == measured["epoch"].max())]
                last = last[last["measure"].isin(ROWS)]
                quality = read_per_query(cell.per_query)[self.measures[0]].mean()
                parts.append(last.assign(quality=quality, **asdict(cell)).reindex(columns=COLUMNS))
        data = _associated(pd.concat(parts[1:] or parts, ignore_index=True))
        recipes = list(data["recipe"].unique())
        looks: dict[str, style.Look] = {
            recipe: {"linestyle": "", **look_of(place)} for place, recipe in enumerate(recipes)
        }
        rows = -(-len(ROWS) // IN_A_ROW) if recipes else 0
        notes = [*self.missing_notes(config), *([WHAT_THEY_ARE] if recipes else [])]
        canvas = style.canvas(self.width, rows * (PANEL_HEIGHT + ABOVE_PANELS), notes, looks or None)
        if recipes:
            panels = canvas.subplots(rows, IN_A_ROW, sharey=True, squeeze=False)
            for row in panels:
                row[0].set_ylabel(paper_name(self.measures[0]))
            for (measure, title), panel in zip(ROWS.items(), panels.flat, strict=True):
                _draw(panel, data[data["measure"] == measure], looks, title.replace("\n", " "))
        return Drawing(canvas, data)


def _associated(data: pd.DataFrame) -> pd.DataFrame:
    """The lines of all cells with the correlations of each measure with quality."""
    parts = [data.iloc[:0]]
    for _, lines in data.groupby("measure", sort=False):
        numbers = lines["value"].astype(float), lines["quality"].astype(float), lines["recipe"]
        found = dict(zip(ASSOCIATIONS, [*between_groups(*numbers), *within_groups(*numbers)], strict=True))
        parts.append(lines.assign(**found))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _draw(panel: Axes, lines: pd.DataFrame, looks: dict[str, style.Look], title: str) -> None:
    """One measure: every cell's point, and above them what the correlations are."""
    for recipe, look in looks.items():
        here = lines[lines["recipe"] == recipe]
        panel.plot(here["value"].astype(float), here["quality"].astype(float), **{**look, "markersize": 3})
    panel.set_xlabel(title)
    first = lines.iloc[0]
    said = [
        f"r {where} {first[where]:+.2f} ({first[where + '_low']:+.2f} to {first[where + '_high']:+.2f})"
        for where in ("between", "within")
        if pd.notna(first[where])
    ]
    above: style.Look = {"ha": "left", "va": "bottom", "fontsize": style.NOTE_SIZE, "color": "0.3"}
    panel.annotate("\n".join(said), (0, 1), (0, 2), "axes fraction", "offset points", **above)
