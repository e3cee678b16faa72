"""Kind `space-measures`: what strategies claim of the negatives in the classifier, as numbers per epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.evaluation.space import measure_space
from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.figures.drawing.embedded import SpaceKind
from sirbench.reporting.tables.presentation import DEMONSTRATION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from sirbench.jobs.configuration import Configuration

TITLES = {
    "coverage": ("Coverage", "share of candidates"),
    "turnover": ("Dynamics", "1 − Jaccard"),
    "rank": ("Hardness: rank", "mean rank"),
    "margin": ("Hardness: margin", "logits"),
    "volume": ("Volume", "nats per dimension"),
    "likely_false": ("Likely false negatives", "share of selected"),
}
"""What panels and their y axes are called."""
MARKERS = "os^Dv*X"
PANEL = 1.15
"""Inches: the height of a row of panels."""
COLUMNS = [
    *("candidates", "backbone", "recipe", "seed"),
    *("epoch", "moment", "measure", "value", "ci_low", "ci_high", "unit", "queries"),
]


class SpaceMeasures(SpaceKind):
    """A panel per measure: a line per recipe over the epochs of its classifier."""

    def draw(self, config: Configuration) -> Drawing:
        """The panels, and every measure of every epoch."""
        parts = [pd.DataFrame(columns=COLUMNS)]
        for cell in self.embedded(config):
            measured = measure_space(pd.read_parquet(cell.selection), self.embeddings(cell))
            parts.append(measured.assign(**asdict(cell))[COLUMNS])
        data = pd.concat(parts[1:] or parts, ignore_index=True)
        looks = {
            recipe: {"color": f"C{number}", "marker": MARKERS[number % len(MARKERS)]}
            for number, recipe in enumerate(data["recipe"].unique())
        }
        notes = self.missing_notes(config)
        if looks:
            queries = data.loc[data["measure"] == "coverage", "queries"].max()
            notes.append(f"Means over {queries} training queries, with 95 % bootstrap intervals over them.")
        elif not self.space.train_queries:
            notes.append("No training query is asked for: only those have a selection to measure.")
        warning = DEMONSTRATION if config.study.demonstration else ""
        canvas = style.canvas(self.width, (2 * PANEL + 0.3) * bool(looks), warning, notes, looks)
        if looks:
            _panels(canvas, data, looks)
        return Drawing(canvas, data)


def _panels(canvas: Canvas, data: pd.DataFrame, looks: Mapping[str, style.Look]) -> None:
    grid = canvas.subplots(2, 3, sharex=True)
    epochs = range(1, int(data["epoch"].max()) + 1)
    for panel, (measure, (title, unit)) in zip(grid.flat, TITLES.items(), strict=True):
        lines = data[data["measure"] == measure].astype(
            {"value": float, "ci_low": float, "ci_high": float, "epoch": float}
        )
        panel.set_title(title)
        panel.set_ylabel(unit)
        for number, (recipe, look) in enumerate(looks.items()):
            values = lines[lines["recipe"] == recipe]
            # Side by side, since V1 and V2 select the same with Top, and others nearly so.
            aside = 0.04 * (number - (len(looks) - 1) / 2)
            reach = [values["value"] - values["ci_low"], values["ci_high"] - values["value"]]
            panel.errorbar(values["epoch"] + aside, values["value"], yerr=reach, **look)
        panel.yaxis.set_major_formatter("{x:.3g}")
        if not lines["value"].notna().any():
            _say(panel, "needs a second epoch" if measure == "turnover" else "no negatives selected")
        if panel.get_ylim()[0] < 0 <= lines[["value", "ci_low"]].min().min():
            panel.set_ylim(bottom=0)  # the rest is what matplotlib puts around zeros
        panel.set_xticks(epochs)
        panel.set_xlim(0.7, len(epochs) + 0.3)
    for panel in grid[-1]:
        panel.set_xlabel("epoch of the classifier")
    canvas.align_ylabels()


def _say(panel: Axes, text: str) -> None:
    panel.text(0.5, 0.5, text, transform=panel.transAxes, ha="center", va="center", color="0.3")
    panel.set_yticks([])
