"""Kind `query-by-query`: the measures of a table's cells, a bar for each dev query, as a toy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.needs import cells
from sirbench.reporting.figures import Drawing, Kind
from sirbench.reporting.figures.drawing import style

if TYPE_CHECKING:
    from sirbench.jobs.configuration import Configuration


class QueryByQuery(Kind):
    """All cells one after the other."""

    color: str = "C0"
    """Of the bars, in matplotlib's words."""

    def inputs(self, config: Configuration) -> list[Path]:
        """The measures of the table's cells."""
        return [cell.per_query for cell in cells(config, config.tables[self.table])]

    def draw(self, config: Configuration) -> Drawing:
        """A bar for each value."""
        data = pd.concat([read_per_query(path) for path in self.inputs(config)]).reset_index()
        canvas = style.canvas(self.width, 1.5)
        canvas.subplots().bar(data.index, data[self.measures[0]], color=self.color)
        return Drawing(canvas, data)
