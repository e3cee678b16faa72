"""Figures of a table: panels of estimates with 95 % intervals, a row of panels per measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import conditions
from sirbench.reporting.figures import Kind
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.figures.drawing.style import Look
from sirbench.reporting.tables.presentation import paper_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from sirbench.jobs.configuration import Configuration

PANEL_HEIGHT, AROUND_PANELS = 1.1, 0.35
"""Inches: of each row of panels, and of titles and ticks together."""
WIDEST_GAP, GROUP_WIDTH = 0.22, 0.9
"""Between two points, and for all points of a group, at most; two groups are 1 apart."""
PUBLISHED: Look = {"linestyle": "", "marker": "D", "markersize": 2.4, "markerfacecolor": "white"}


class TableKind(Kind):
    """A figure drawn from the numbers of a table: groups on the x axis, series in a group."""

    table: str
    """Table whose numbers are drawn."""

    def inputs(self, config: Configuration) -> list[Path]:
        """The table's CSV; nothing where the study has none of the table's cells."""
        has_cells = conditions(config, config.tables[self.table])
        return [Layout(config.name).table(self.table)] if has_cells else []

    def panels(
        self,
        config: Configuration,
        lines: pd.DataFrame,
        looks: Mapping[str, Look],
        legend: Mapping[str, Look],
        notes: Sequence[str],
    ) -> tuple[Canvas, dict[tuple[str, str], Axes]]:
        """The canvas, and its panels by (measure, column), with every estimate and published point.

        Args:
            config: the study that it is drawn from.
            lines: lines of `table_numbers`, with what they are in the figure: `column` is the title of the
                column of panels, `group` the label on the x axis, `series` the name in the legend; all in
                order.
            looks: by series, keywords of matplotlib's `errorbar`: color and marker.
            legend: by name, what else is in the legend: keywords of matplotlib's `Line2D`.
            notes: what to say below the panels.
        """
        published = bool(lines["published"].notna().any())
        entries = {name: {"linestyle": "", **look} for name, look in looks.items()} | dict(legend)
        if published:
            entries["published"] = {"color": "0.3", **PUBLISHED}
        canvas, panels = self._grid(config, lines, entries, notes)
        groups = {name: place for place, name in enumerate(lines["group"].unique())}
        points = max(1, len(looks) * (1 + published))
        gap = min(WIDEST_GAP, GROUP_WIDTH / points)
        for (measure, column), panel in panels.items():
            panel.set_xticks(range(len(groups)), list(groups))
            panel.set_xlim(-0.6, len(groups) - 0.4)
            here = lines[(lines["measure"] == measure) & (lines["column"] == column)]
            for number, (series, look) in enumerate(looks.items()):
                of_series = here[here["series"] == series]
                shift = gap * (number * (1 + published) - (points - 1) / 2)
                _estimates(panel, [groups[name] + shift for name in of_series["group"]], of_series, gap, look)
        return canvas, panels

    def _grid(
        self, config: Configuration, lines: pd.DataFrame, legend: Mapping[str, Look], notes: Sequence[str]
    ) -> tuple[Canvas, dict[tuple[str, str], Axes]]:
        """A canvas and its empty panels; those of a measure share their y axis."""
        canvas = style.canvas(
            self.width,
            PANEL_HEIGHT * len(self.measures) + AROUND_PANELS,
            notes=notes,
            legend=legend,
        )
        columns = list(lines["column"].unique())
        shape = len(self.measures), len(columns) or 1
        rows = canvas.subplots(*shape, sharex=True, sharey="row", squeeze=False)
        for measure, row in zip(self.measures, rows, strict=True):
            row[0].set_ylabel(paper_name(measure))
            if lines.loc[lines["measure"] == measure, "value"].isna().all():
                row[0].set_yticks([])
        for panel, title in zip(rows[0], columns, strict=False):
            panel.set_title(title)
        canvas.align_ylabels()
        return canvas, {
            (measure, column): panel
            for measure, row in zip(self.measures, rows, strict=True)
            for column, panel in zip(columns, row, strict=False)
        }


def _estimates(panel: Axes, positions: list[float], lines: pd.DataFrame, gap: float, look: Look) -> None:
    """Our estimates, published points a gap to the right of them, and "no result" where there is none."""
    values = lines[["value", "ci_low", "ci_high", "published"]].astype("float64").set_axis(positions)
    below, above = values["value"] - values["ci_low"], values["ci_high"] - values["value"]
    panel.errorbar(
        values.index, values["value"], yerr=[below, above], linestyle="", elinewidth=0.7, zorder=3, **look
    )
    panel.plot(values.index + gap, values["published"], color=look["color"], **PUBLISHED)
    for position in values.index[values["value"].isna()]:
        panel.text(
            *(position, 0.03, "no result"),
            transform=panel.get_xaxis_transform(),
            **{"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 6, "color": look["color"]},
        )
