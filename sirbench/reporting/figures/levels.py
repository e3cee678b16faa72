"""Kind `levels`: V3 and V4, Top and Random, by their number of levels, beside the baseline (Figure 5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing.panels import draw_panels
from sirbench.reporting.tables.measured import column_titles, missing_notes, table_files, table_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sirbench.config import Configuration
    from sirbench.study import Figure

NEEDS = ("table",)

STRATEGIES = ("v3", "v4")
WORDS = {1: "one level", 2: "two levels", 3: "three levels", 4: "four levels", 5: "five levels"}
COLORS, MARKERS = ("C2", "C3", "C4", "C5"), "osv^PX*D"
"""Of one number of levels and the next; not the colours of backbones in kind `strategies`."""
REFERENCE = {"color": "0.35", "linewidth": 0.8}
PUBLISHED_REFERENCE = REFERENCE | {"linestyle": ":"}


def inputs(figure: Figure, config: Configuration) -> list[Path]:
    """Return the table whose numbers are drawn."""
    return table_files(config, figure.table)


def draw(figure: Figure, config: Configuration) -> Drawing:
    """Draw a panel per measure, candidates and backbone, with strategy and selection from left to right.

    Recipes that differ in something else than these and the number of levels go by their names.
    """
    lines = table_numbers(config, figure.table, figure.measures)
    recipes = lines["recipe"].map(config.recipes)
    lines = lines.assign(
        column=column_titles(config, lines) + ", " + lines["backbone"].str.upper(),
        group=[f"{recipe.strategy.upper()}\n{recipe.selection.title()}" for recipe in recipes],
        series=[_in_words(len(recipe.levels)) for recipe in recipes],
        strategy=[recipe.strategy for recipe in recipes],
        levels=[len(recipe.levels) for recipe in recipes],
    )
    baseline = config.tables[figure.table].baseline
    references = lines[lines["recipe"] == baseline]
    compared = lines[lines["strategy"].isin(STRATEGIES)]
    alike = compared.duplicated(["column", "measure", "group", "series"], keep=False)
    compared = compared.assign(series=compared["series"].where(~alike, compared["recipe"]))
    looks = {
        name: {"color": COLORS[place % 4], "marker": MARKERS[place % 8]}
        for place, name in enumerate(compared.sort_values("levels", kind="stable")["series"].unique())
    }
    legend = {baseline.upper(): REFERENCE}
    if references["published"].notna().any():
        legend[f"{baseline.upper()}, published"] = PUBLISHED_REFERENCE
    canvas, panels = draw_panels(
        figure,
        config,
        compared,
        looks,
        legend=legend,
        notes=missing_notes(config, pd.concat([references, compared])),
    )
    for (measure, column), panel in panels.items():
        here = references[(references["measure"] == measure) & (references["column"] == column)]
        _draw_reference(panel, here.dropna(subset="value"))
    return Drawing(canvas, pd.concat([references, compared]))


def _in_words(levels: int) -> str:
    return WORDS.get(levels, f"{levels} levels")


def _draw_reference(panel: Axes, lines: pd.DataFrame) -> None:
    """The baseline as a line with its interval, and the published one as a dotted line."""
    for line in lines.itertuples():
        panel.axhline(line.value, **REFERENCE)
        panel.axhspan(line.ci_low, line.ci_high, color="0.5", alpha=0.15, linewidth=0)
        if line.published == line.published:
            panel.axhline(line.published, **PUBLISHED_REFERENCE)
