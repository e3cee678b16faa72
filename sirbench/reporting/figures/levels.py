"""Kind `levels`: V3 and V4, Top and Random, by their number of levels, beside the baseline (Figure 5)."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing.panels import TableKind
from sirbench.reporting.figures.drawing.style import Look
from sirbench.reporting.tables.measured import column_titles, missing_notes, table_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sirbench.jobs.configuration import Configuration
    from sirbench.strategies import Strategy

STRATEGIES = ("v3", "v4")
WORDS = {1: "one level", 2: "two levels", 3: "three levels", 4: "four levels", 5: "five levels"}
COLORS, MARKERS = ("C2", "C3", "C4", "C5"), "osv^PX*D"
"""Of one number of levels and the next; not the colours of backbones in kind `strategies`."""
REFERENCE: Look = {"color": "0.35", "linewidth": 0.8}
PUBLISHED_REFERENCE: Look = {**REFERENCE, "linestyle": ":"}


class Levels(TableKind):
    """A panel per measure, candidates and backbone, with strategy and selection from left to right."""

    def draw(self, config: Configuration) -> Drawing:
        """The panels, and the lines that they show: of the baseline, then of V3 and V4."""
        lines = _named(table_numbers(config, self.table, self.measures), config)
        baseline = config.tables[self.table].baseline
        references = lines[lines["recipe"] == baseline]
        compared = lines[lines["strategy"].isin(STRATEGIES)]
        # Of recipes that differ in more than the selection and the number of levels, all but the plain one
        # go by their names.
        alike = compared.duplicated(["column", "measure", "group", "series"], keep=False)
        named = alike & ~compared["recipe"].map(config.recipes).map(_is_plain)
        compared = compared.assign(series=compared["series"].where(~named, compared["recipe"]))
        series = compared.assign(named=named).sort_values(["named", "levels"])["series"].unique()
        shown = pd.concat([references, compared])
        looks = {
            name: {"color": COLORS[place % 4], "marker": MARKERS[place % 8]}
            for place, name in enumerate(series)
        }
        legend = {baseline.upper(): REFERENCE}
        if references["published"].notna().any():
            legend[f"{baseline.upper()}, published"] = PUBLISHED_REFERENCE
        canvas, panels = self.panels(
            config, compared, looks, legend=legend, notes=missing_notes(config, shown)
        )
        for (measure, column), panel in panels.items():
            here = references[(references["measure"] == measure) & (references["column"] == column)]
            _draw_reference(panel, here.dropna(subset="value"))
        return Drawing(canvas, shown)


def _named(lines: pd.DataFrame, config: Configuration) -> pd.DataFrame:
    """The lines with what each is in the figure, by its recipe."""
    recipes = lines["recipe"].map(config.recipes)
    return lines.assign(
        column=column_titles(config, lines) + ", " + lines["backbone"].str.upper(),
        group=[f"{recipe.strategy.upper()}\n{_selection(recipe)}" for recipe in recipes],
        series=[WORDS.get(len(recipe.levels), f"{len(recipe.levels)} levels") for recipe in recipes],
        strategy=[recipe.strategy for recipe in recipes],
        levels=[len(recipe.levels) for recipe in recipes],
    )


def _selection(recipe: Strategy) -> str:
    """Top or Random; the group of a recipe that selects nothing, such as V0's, is not drawn."""
    return getattr(recipe, "selection", "top").title()


def _is_plain(recipe: Strategy) -> bool:
    """Whether every option but levels and selection has its default value."""
    return recipe.model_dump(exclude_defaults=True).keys() <= {"strategy", "levels", "selection"}


def _draw_reference(panel: Axes, lines: pd.DataFrame) -> None:
    """The baseline as a line with its interval, and the published one as a dotted line."""
    for value, low, high, published in (
        lines[["value", "ci_low", "ci_high", "published"]].astype(float).to_numpy()
    ):
        panel.axhline(value, **REFERENCE)
        panel.axhspan(low, high, color="0.5", alpha=0.15, linewidth=0)
        if not isnan(published):
            panel.axhline(published, **PUBLISHED_REFERENCE)
