"""Kind `levels`: gains of V3 and V4, Top and Random, by their number of levels (the paper's Figure 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing.panels import TableKind, look_of

if TYPE_CHECKING:
    from sirbench.jobs.configuration import Configuration
    from sirbench.strategies import Strategy

STRATEGIES = ("v3", "v4")
WORDS = {1: "one level", 2: "two levels", 3: "three levels", 4: "four levels", 5: "five levels"}
FIRST_COLOR = 2
"""Not the colours of backbones in kind `strategies`."""


class Levels(TableKind):
    """A panel per measure, candidates and backbone, with strategy and selection from left to right."""

    def draw(self, config: Configuration) -> Drawing:
        """The panels, and the lines of V3 and V4 that they show, after the baseline's own."""
        from sirbench.reporting.tables.measured import table_numbers

        lines = _named(table_numbers(config, self.table, self.measures), config)
        references = lines[lines["baseline"] == ""]
        compared = lines[lines["strategy"].isin(STRATEGIES) & (lines["baseline"] != "")]
        # Of recipes that differ in more than the selection and the number of levels, all but the plain one
        # go by their names.
        alike = compared.duplicated(["column", "measure", "group", "series"], keep=False)
        named = alike & ~compared["recipe"].map(config.recipes).map(_is_plain)
        compared = compared.assign(series=compared["series"].where(~named, compared["recipe"]))
        series = compared.assign(named=named).sort_values(["named", "levels"])["series"].unique()
        shown = pd.concat([references, compared])
        looks = {name: look_of(place, FIRST_COLOR) for place, name in enumerate(series)}
        canvas, _ = self.panels(config, shown, looks)
        return Drawing(canvas, shown)


def _named(lines: pd.DataFrame, config: Configuration) -> pd.DataFrame:
    """The lines with what each is in the figure, by its recipe."""
    from sirbench.reporting.tables.measured import column_titles

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
