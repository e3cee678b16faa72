"""Kind `depths`: what re-ranking more candidates gives, a curve per row of a table of depths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import columns, conditions, shown_depths
from sirbench.reporting.figures import Drawing, Kind

if TYPE_CHECKING:
    from sirbench.jobs.configuration import Configuration

PANEL_HEIGHT, AROUND_PANELS = 1.4, 0.45
"""Inches: of each row of panels, and of titles and ticks together."""


class Depths(Kind):
    """A panel per measure and candidates; depths from left to right, on a logarithmic axis."""

    draws: ClassVar[str] = "depths"

    table: str
    """Table of depths whose values are drawn."""

    def inputs(self, config: Configuration) -> list[Path]:
        """The table's CSV; nothing where the study has no such table."""
        return (
            [Layout(config.name).table(self.table)] if conditions(config, config.tables[self.table]) else []
        )

    def draw(self, config: Configuration) -> Drawing:
        """The panels with 95 % intervals over queries, and the lines of the table that they show."""
        from sirbench.reporting.figures.drawing import style
        from sirbench.reporting.figures.drawing.panels import look_of
        from sirbench.reporting.tables.depths import AS_THEY_ARE
        from sirbench.reporting.tables.presentation import paper_name

        table, study = config.tables[self.table], config.study
        lines = _lines(config, self.table)
        lines = lines[lines["measure"].isin(self.measures)]
        heads = {it: study.candidates_title(it) for _, it in columns(config, table)} or {"": ""}
        rows = [label for label in lines["row"].unique() if label != AS_THEY_ARE]
        looks = {AS_THEY_ARE: {"color": "0.5", "linestyle": ":", "marker": ""}} | {
            label: {"linestyle": "-", **look_of(place)} for place, label in enumerate(rows)
        }
        notes = ["Bars: 95 % intervals over queries, each of one value by itself."]
        if lines.empty:
            notes = [f"Study {config.name} has no depths, or nothing of this is re-ranked yet."]
        height = len(self.measures) * PANEL_HEIGHT + AROUND_PANELS
        canvas = style.canvas(self.width, height, notes, looks)
        panels = canvas.subplots(len(self.measures), len(heads), sharex=True, sharey="row", squeeze=False)
        depths = shown_depths(config, table)
        for measure, of_measure in zip(self.measures, panels, strict=True):
            of_measure[0].set_ylabel(paper_name(measure))
            for (candidates, head), panel in zip(heads.items(), of_measure, strict=True):
                here = lines[(lines["measure"] == measure) & (lines["candidates"] == candidates)]
                for label, look in looks.items():
                    of = here[here["row"] == label]
                    reach = [of["value"] - of["ci_low"], of["ci_high"] - of["value"]]
                    bars = None if label == AS_THEY_ARE else reach
                    panel.errorbar(of["depth"], of["value"], yerr=bars, elinewidth=0.5, **look)
                if depths:
                    panel.set_xscale("log")
                    panel.set_xticks(depths, [str(depth) for depth in depths], minor=False)
                    panel.minorticks_off()
                panel.set_title(head)
        for panel in panels[-1]:
            panel.set_xlabel("candidates re-ranked")
        return Drawing(canvas, lines)


def _lines(config: Configuration, name: str) -> pd.DataFrame:
    """The lines of the table's CSV, or of what is re-ranked so far."""
    from sirbench.reporting.tables.depths import DEPTH_COLUMNS, depth_lines

    path = Layout(config.name).table(name)
    known = pd.read_csv(path) if path.exists() else pd.DataFrame()
    if set(DEPTH_COLUMNS) <= set(known):
        return known
    table = config.tables[name]
    return depth_lines(config, name) if shown_depths(config, table) else pd.DataFrame(columns=DEPTH_COLUMNS)
