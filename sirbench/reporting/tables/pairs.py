"""The grid of what rows cost beneath a table: the pairs that their trainings forward."""

import pandas as pd

from sirbench.reporting.tables.presentation import Grid, each

NOTE = (
    "Pairs of a query and a document that go through the encoder for each training query, all epochs and all "
    "trainings of the recipe together, with gradient or without."
)


def pairs_grid(lines: pd.DataFrame) -> Grid:
    """A line per row of the table, in its order; `lines` are those of `tidy_table`, with `pairs`."""
    rows = lines.drop_duplicates(["row", "backbone", "recipe"])
    shown = [[str(line.row), f"{line.pairs:,.0f}"] for line in each(rows)]
    return Grid("What a row costs", ["Model", "Pairs"], shown, [NOTE], words={"Model"})
