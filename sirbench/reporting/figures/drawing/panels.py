"""Figures of a table: panels of gains over the baseline with 95 % intervals, a row of panels per measure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import conditions
from sirbench.reporting.figures import Kind
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.figures.drawing.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from sirbench.jobs.configuration import Configuration

PANEL_HEIGHT, AROUND_PANELS, BESIDE_PANELS = 1.15, 0.35, 0.5
"""Inches: of each row of panels, of titles and ticks together, and of ticks and labels at the side."""
WIDEST_GAP, GROUP_WIDTH = 0.22, 0.9
"""Between two points, and for all points of a group, at most; two groups are 1 apart."""
PUBLISHED: Look = {
    **{"linestyle": "", "marker": "D", "markersize": 2.4, "markerfacecolor": "white", "color": "black"},
    "markeredgewidth": 0.6,
}
SEED: Look = {"linestyle": "", "marker": "_", "markersize": 3, "markeredgewidth": 0.6, "zorder": 2}
MARKERS = "osv^P*X"
BEHIND: Look = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
NO_BREAK = "\N{NO-BREAK SPACE}"
ROOM_BELOW = 0.3
"""Of the y axis, for what is written below points."""
ZERO: Look = {"color": "black", "linewidth": 0.7}


def look_of(place: int, first_color: int = 0) -> Look:
    """How the series of a place is drawn: every other one is hollow, so that black and white is enough."""
    color = f"C{first_color + place % 4}"
    face = "white" if place % 2 else color
    return {"color": color, "marker": MARKERS[place % len(MARKERS)], "markerfacecolor": face}


class TableKind(Kind):
    """A figure drawn from the gains of a table: groups on the x axis, series in a group."""

    table: str
    """Table whose gains are drawn."""

    def inputs(self, config: Configuration) -> list[Path]:
        """The table's CSV; nothing where the study has none of the table's cells."""
        has_cells = conditions(config, config.tables[self.table])
        return [Layout(config.name).table(self.table)] if has_cells else []

    def panels(
        self, config: Configuration, lines: pd.DataFrame, looks: Mapping[str, Look]
    ) -> tuple[Canvas, dict[tuple[str, str], Axes]]:
        """The canvas, and its panels by (measure, column), with every gain and published gain.

        Args:
            config: the study that it is drawn from.
            lines: lines of `table_numbers`, with what they are in the figure: `column` is the title of the
                column of panels, `group` the label on the x axis, `series` the name in the legend; all in
                order. Lines that are their own baseline are not drawn: they are the line at zero.
            looks: by series, keywords of matplotlib's `errorbar`: color and marker.
        """
        drawn = lines[lines["baseline"] != ""]
        published = bool(drawn["published_gain"].notna().any())
        legend: dict[str, Look] = {name: {"linestyle": "", **look} for name, look in looks.items()}
        if drawn["gain_of_seeds"].str.contains(" ").any():
            legend["one seed"] = {"color": "0.35", **SEED}
        if published:
            legend["the paper's gain"] = PUBLISHED
        canvas, panels = self._grid(config, lines, legend)
        groups = {name: place for place, name in enumerate(drawn["group"].unique())}
        points = max(1, len(looks) * (1 + published))
        gap = min(WIDEST_GAP, GROUP_WIDTH / points)
        for (measure, column), panel in panels.items():
            panel.axhline(0, **ZERO)
            panel.set_xticks(range(len(groups)), list(groups))
            panel.set_xlim(-0.6, len(groups) - 0.4)
            here = drawn[(drawn["measure"] == measure) & (drawn["column"] == column)]
            for number, (series, look) in enumerate(looks.items()):
                of_series = here[here["series"] == series]
                shift = gap * (number * (1 + published) - (points - 1) / 2)
                _gains(panel, [groups[name] + shift for name in of_series["group"]], of_series, gap, look)
        if (drawn.loc[drawn["gain"].notna(), "diverged"] != "").any():
            for panel in {measure: panel for (measure, _), panel in panels.items()}.values():
                low, high = panel.get_ylim()
                panel.set_ylim(low - ROOM_BELOW * (high - low), high)
        return canvas, panels

    def _grid(
        self, config: Configuration, lines: pd.DataFrame, legend: Mapping[str, Look]
    ) -> tuple[Canvas, dict[tuple[str, str], Axes]]:
        """A canvas and its panels, empty but for what zero is; those of a measure share their y axis."""
        from sirbench.reporting.tables.presentation import paper_name

        columns = list(lines["column"].unique())
        room = round(
            style.CHARACTERS_PER_INCH * (style.WIDTHS[self.width] - BESIDE_PANELS) / max(1, len(columns))
        )
        zeros = {
            (measure, column): textwrap.wrap(_zero(lines, measure, column), room)
            for measure in self.measures
            for column in columns
        }
        above = max(map(len, zeros.values()), default=0)
        height = len(self.measures) * (PANEL_HEIGHT + above * style.NOTE_LINE) + AROUND_PANELS
        canvas = style.canvas(self.width, height, _notes(config, lines), legend)
        shape = len(self.measures), len(columns) or 1
        rows = canvas.subplots(*shape, sharex=True, sharey="row", squeeze=False)
        panels = {}
        for measure, row in zip(self.measures, rows, strict=True):
            row[0].set_ylabel(f"gain in {paper_name(measure)}")
            if lines.loc[lines["measure"] == measure, "gain"].isna().all():
                row[0].set_yticks([])
            for column, panel in zip(columns, row, strict=False):
                panels[measure, column] = panel
                _write_above(panel, zeros[measure, column])
        for panel, title in zip(rows[0], columns, strict=False):
            panel.set_title(title, pad=5 + 72 * style.NOTE_LINE * above)
        canvas.align_ylabels()
        return canvas, panels


def _zero(lines: pd.DataFrame, measure: str, column: str) -> str:
    """What the line at zero is in a panel: each baseline with its value."""
    from sirbench.reporting.tables.measured import NO_BACKBONE
    from sirbench.reporting.tables.presentation import each

    here = lines[(lines["measure"] == measure) & (lines["column"] == column) & (lines["baseline"] != "")]
    here = here[here["missing"] != NO_BACKBONE]
    places = ["backbone", "baseline"]
    values = here.groupby(places)["baseline_value"].transform("first")
    several = here["backbone"].nunique() > 1
    names = [
        f"{line.backbone.upper() + ' ' if several else ''}{line.baseline.upper()} "
        + ("without a result" if isnan(line.baseline_value) else f"{line.baseline_value:.3f}")
        for line in each(here.assign(baseline_value=values).drop_duplicates(places))
    ]
    # Spaces that no line is broken at, within a name.
    return f"0 is {', '.join(name.replace(' ', NO_BREAK) for name in names)}" if names else ""


def _notes(config: Configuration, lines: pd.DataFrame) -> list[str]:
    """What is to be said below the panels."""
    from sirbench.reporting.tables import notes
    from sirbench.reporting.tables.measured import column_titles, missing_notes

    drawn = lines[lines["baseline"] != ""]
    lines = lines.assign(column=lines["candidates"])
    heads = dict(zip(lines["candidates"], column_titles(config, lines), strict=True))
    return [
        *notes.intervals(drawn[drawn["gain"].notna()]),
        *notes.diverged(lines.assign(baseline_diverged=""), heads),
        *notes.readings(drawn),
        *missing_notes(config, lines),
    ]


def _write_above(panel: Axes, texts: Sequence[str]) -> None:
    look: Look = {"ha": "left", "va": "bottom", "fontsize": style.NOTE_SIZE, "color": "0.3"}
    panel.annotate("\n".join(texts), (0, 1), (0, 2), "axes fraction", "offset points", **look)


def _gains(panel: Axes, positions: list[float], lines: pd.DataFrame, gap: float, look: Look) -> None:
    """Our gains, those of single seeds, the paper's a gap to the right, and why there is none."""
    from sirbench.reporting.tables.presentation import each

    columns = ["gain", "gain_low", "gain_high", "published_gain"]
    gains = lines[columns].astype("float64").set_axis(positions)
    reach = [gains["gain"] - gains["gain_low"], gains["gain_high"] - gains["gain"]]
    panel.errorbar(gains.index, gains["gain"], yerr=reach, linestyle="", elinewidth=0.7, zorder=3, **look)
    panel.plot(gains.index + gap, gains["published_gain"], **PUBLISHED)
    text: Look = {"rotation": 90, "ha": "center", "fontsize": 6, "color": look["color"]}
    for position, line in zip(positions, each(lines), strict=True):
        seeds = [float(of_seed) for of_seed in line.gain_of_seeds.split()]
        if len(seeds) > 1:
            panel.plot([position] * len(seeds), seeds, **{"color": look["color"], **SEED})
        if line.missing:
            bottom = panel.get_xaxis_transform()
            panel.text(position, 0.03, line.missing, va="bottom", transform=bottom, bbox=BEHIND, **text)
        elif line.diverged:
            fewer = line.diverged.partition(" seeds converged")[0]
            below = line.gain if isnan(line.gain_low) else line.gain_low
            panel.annotate(
                fewer, (position, below), (0, -3), "data", "offset points", va="top", bbox=BEHIND, **text
            )
