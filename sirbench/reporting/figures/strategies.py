"""Kind `strategies`: gains of recipes over V0 side by side, a mark per backbone (the paper's Figure 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing.panels import TableKind, look_of

if TYPE_CHECKING:
    from sirbench.jobs.configuration import Configuration


class Strategies(TableKind):
    """A panel per measure and candidates, with the recipes of the table from left to right."""

    def draw(self, config: Configuration) -> Drawing:
        """The panels, and the lines of the table that they show."""
        from sirbench.reporting.tables.measured import column_titles, table_numbers

        lines = table_numbers(config, self.table, self.measures)
        names = _short_names(list(lines.loc[lines["baseline"] != "", "recipe"].unique()), config)
        lines = lines.assign(
            column=column_titles(config, lines),
            group=lines["recipe"].map(names),
            series=lines["backbone"].str.upper(),
        )
        in_study = lines["backbone"].isin(list(config.study.backbones))
        series = lines.loc[in_study, "series"].unique()
        canvas, _ = self.panels(config, lines, {name: look_of(place) for place, name in enumerate(series)})
        return Drawing(canvas, lines)


def _short_names(recipes: list[str], config: Configuration) -> dict[str, str]:
    """Recipes by the names of their strategies, where these tell them apart, otherwise by their own."""
    strategies = [config.recipes[recipe].strategy for recipe in recipes]
    return {
        recipe: strategy.upper() if strategies.count(strategy) == 1 else recipe
        for recipe, strategy in zip(recipes, strategies, strict=True)
    }
