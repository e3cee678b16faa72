"""Kind `strategies`: recipes from V0 to V4 side by side, a colour per backbone (the paper's Figure 4)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing.panels import draw_panels
from sirbench.reporting.tables.measured import column_titles, missing_notes, table_files, table_numbers

if TYPE_CHECKING:
    from sirbench.config import Configuration
    from sirbench.study import Figure

NEEDS = ("table",)

MARKERS = "osv^P*X"


def inputs(figure: Figure, config: Configuration) -> list[Path]:
    """Return the table whose numbers are drawn."""
    return table_files(config, figure.table)


def draw(figure: Figure, config: Configuration) -> Drawing:
    """Draw a panel per measure and candidates, with the recipes of the table from left to right."""
    lines = table_numbers(config, figure.table, figure.measures)
    names = _short_names(list(lines["recipe"].unique()), config)
    lines = lines.assign(
        column=column_titles(config, lines),
        group=lines["recipe"].map(names),
        series=lines["backbone"].str.upper(),
    )
    in_study = lines["backbone"].isin(list(config.study.backbones))
    looks = {
        name: {"color": f"C{number}", "marker": MARKERS[number % len(MARKERS)]}
        for number, name in enumerate(lines.loc[in_study, "series"].unique())
    }
    canvas, _ = draw_panels(figure, config, lines, looks, legend={}, notes=missing_notes(config, lines))
    return Drawing(canvas, lines)


def _short_names(recipes: list[str], config: Configuration) -> dict[str, str]:
    """Call a recipe by its strategy where that tells it from the others."""
    strategies = [config.recipes[recipe].strategy for recipe in recipes]
    return {
        recipe: strategy.upper() if strategies.count(strategy) == 1 else recipe
        for recipe, strategy in zip(recipes, strategies, strict=True)
    }
