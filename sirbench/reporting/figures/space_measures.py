"""Kind `space-measures`: what strategies claim of the negatives in the classifier, measured beside nulls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.data.frames import read_frame
from sirbench.evaluation.embedded import OVERLAPS
from sirbench.evaluation.space import measure_space
from sirbench.evaluation.space_nulls import BlockDraws
from sirbench.jobs.folders import Cell
from sirbench.machine.errors import InputError
from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.figures.drawing.embedded import SpaceKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from sirbench.jobs.configuration import Configuration

ROWS = {
    "coverage": "Coverage\n(share)",
    "turnover": "Dynamics\n(1 − Jaccard)",
    "rank": "Hardness\n(mean rank)",
    "margin": "Hardness\n(margin, SD)",
    "volume": "Volume\n(nats/dim.)",
    "near_duplicate": "Near-duplicates\n(share)",
}
"""The measures that are drawn, and what their rows are called."""
HEIGHT, AROUND = 0.78, 0.35
"""Inches: of a row of panels, and of titles and ticks together."""

MEASURED: style.Look = {"color": "black", "marker": "o", "markersize": 3, "elinewidth": 0.8}
NULLS: dict[str, style.Look] = {
    "random": {"color": "0.35", "linestyle": (0, (4, 2)), "marker": "s", "markerfacecolor": "white"},
    "unchanging": {"color": "0.35", "linestyle": (0, (1, 1.2)), "marker": "^", "markerfacecolor": "white"},
}
"""Told apart by line and marker, not by colour: a figure may be printed in black and white."""
LEGEND: dict[str, style.Look] = {
    "measured": {name: value for name, value in MEASURED.items() if name != "elinewidth"},
    "null: random selection": NULLS["random"],
    "null: a scorer that never changes": NULLS["unchanging"],
}
WHAT_NULLS_ARE = (
    "Both nulls select as many from the blocks that training draws; the scorer is the model that the "
    "classifier's training starts from, whose selection changes too where blocks are drawn anew. "
    "SD: of the scores of the query's candidates at that moment."
)
COLUMNS = [
    *("candidates", "backbone", "recipe", "seed"),
    *("epoch", "moment", "measure", "value", "ci_low", "ci_high", "random", "unchanging", "unit", "queries"),
]


class SpaceMeasures(SpaceKind):
    """A row of panels per measure, a column per recipe: a line over the epochs, and two nulls."""

    def draw(self, config: Configuration) -> Drawing:
        """The panels, and every measure of every epoch."""
        parts = [pd.DataFrame(columns=COLUMNS)]
        for cell in self.embedded(config):
            embedded = self.embeddings(cell)
            if lacking := set(OVERLAPS) - set(embedded):
                names = ", ".join(sorted(lacking))
                raise InputError(f"{cell.embeddings}: lacks {names}; delete it and run again")
            measured = measure_space(read_frame(cell.selection), embedded, block_draws(config, cell))
            parts.append(measured.assign(**asdict(cell))[COLUMNS])
        data = pd.concat(parts[1:] or parts, ignore_index=True)
        recipes, notes = list(data["recipe"].unique()), self.missing_notes(config)
        if recipes:
            queries = data.loc[data["measure"] == "coverage", "queries"].max()
            notes.append(f"Means over {queries} training queries, with 95 % bootstrap intervals over them.")
            notes.append(WHAT_NULLS_ARE)
        elif not self.space.train_queries:
            notes.append("No training query is asked for: only those have a selection to measure.")
        height = HEIGHT * len(ROWS) + AROUND if recipes else 0
        canvas = style.canvas(self.width, height, notes, LEGEND if recipes else None)
        if recipes:
            _panels(canvas, data, recipes)
        return Drawing(canvas, data)


def block_draws(config: Configuration, cell: Cell) -> BlockDraws:
    """How the blocks are drawn that a cell selects from; in V1 and V2 those of its first compressor."""
    recipe = config.recipes[cell.recipe]
    size = config.study.group_size(recipe.levels[0])
    return BlockDraws(size, int(cell.seed), fixed=recipe.blocks == "fixed")


def _panels(canvas: Canvas, data: pd.DataFrame, recipes: Sequence[str]) -> None:
    grid = canvas.subplots(len(ROWS), len(recipes), sharex=True, sharey="row", squeeze=False)
    epochs = range(1, int(data["epoch"].max()) + 1)
    for row, (measure, title) in zip(grid, ROWS.items(), strict=True):
        row[0].set_ylabel(title)
        of_measure = data[data["measure"] == measure]
        for panel, recipe in zip(row, recipes, strict=True):
            _draw(panel, of_measure[of_measure["recipe"] == recipe])
        _settle(row[0], of_measure)
    for panel, recipe in zip(grid[0], recipes, strict=True):
        panel.set_title(recipe)
        panel.set_xticks(epochs)
        panel.set_xlim(0.6, len(epochs) + 0.4)
    for panel in grid[-1]:
        panel.set_xlabel("epoch")
    canvas.align_ylabels()


def _draw(panel: Axes, lines: pd.DataFrame) -> None:
    """One measure of one recipe, its nulls to either side so that none hides another."""
    numbers = lines[["epoch", "value", "ci_low", "ci_high", *NULLS]].astype(float)
    for aside, (null, look) in zip((-0.08, 0.08), NULLS.items(), strict=True):
        panel.plot(numbers["epoch"] + aside, numbers[null], markersize=2.6, clip_on=False, **look)
    reach = [numbers["value"] - numbers["ci_low"], numbers["ci_high"] - numbers["value"]]
    panel.errorbar(numbers["epoch"], numbers["value"], yerr=reach, clip_on=False, **MEASURED)
    if not numbers["value"].notna().any():
        needs_two = lines["measure"].eq("turnover").all() and len(lines) == 1
        said = "needs a\nsecond epoch" if needs_two else "none selected"
        words: style.Look = {"ha": "center", "va": "center", "fontsize": 6, "color": "0.3"}
        panel.text(0.5, 0.5, said, transform=panel.transAxes, **words)


def _settle(panel: Axes, lines: pd.DataFrame) -> None:
    """The y axis of a row, which its panels share: below zero only where a number is."""
    panel.yaxis.set_major_formatter("{x:.3g}")
    if panel.get_ylim()[0] < 0 <= lines[["value", "ci_low", *NULLS]].astype(float).min().min():
        panel.set_ylim(bottom=0)  # the rest is what matplotlib puts around zeros
