"""A table: rows and columns over cells, or over the candidates themselves."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sirbench.study.settings import Label, Settings

BASELINE = "v0"
"""The recipe that gains are over, unless a table or a row names another."""


class Row(Settings):
    """One row of a table: a backbone fine-tuned by a recipe."""

    label: Label
    """What the row is called in the table."""
    backbone: str
    """Name of a backbone; a study without it leaves the row out and the table says so."""
    recipe: str
    """Name of a file in config/recipes/."""
    rule_above: bool = False
    """True draws a line above this row."""
    baseline: str | None = None
    """Recipe that this row's gain is over, with the same backbone and candidates; null: the table's."""


class Table(Settings):
    """A table: rows are cells, columns candidates by measures; or rows are candidates, columns measures."""

    title: str
    """One line for the head of the table."""
    caption: str
    """What the table shows, for the .tex caption and the report."""
    paper: int | None = Field(None, ge=1, exclude_if=lambda number: number is None)
    """Number of the paper's table that it repeats: a report has these first, in this order."""
    measures: list[str] = Field(min_length=1)
    """Measures in ir_measures' names, e.g. `RR@100`; the columns of every candidates group."""
    of: Literal["cells", "candidates"] = "cells"
    """What a row is: a cell, or candidates as their first stage made them, before any re-ranking."""
    rows: list[Row] = Field(default_factory=list)
    """The rows of a table of cells; a table of candidates has one for each of the study's."""
    baseline: str = BASELINE
    """Recipe that gains are over and the t-test compares with, with the same backbone and candidates, unless
    the row names another; in a table of candidates, the name of the candidates to compare with."""
    candidates: list[str] | None = None
    """Candidates to show, in order; null: all that the study re-ranks, or, in a table of candidates, has."""

    @model_validator(mode="after")
    def _fits_what_its_rows_are(self) -> Self:
        if self.of == "cells" and not self.rows:
            raise ValueError("rows: a table of cells needs at least one row")
        if self.of == "candidates" and self.rows:
            raise ValueError("rows: a table of candidates makes its own rows; remove them, or `of`")
        if self.of == "candidates" and "baseline" not in self.model_fields_set:
            raise ValueError("baseline: this key is missing: which candidates to test against, e.g. bm25")
        return self

    @model_validator(mode="after")
    def _rows_differ(self) -> Self:
        cells = [(row.backbone, row.recipe) for row in self.rows]
        for cell in cells:
            if cells.count(cell) > 1:
                raise ValueError(f"rows: backbone {cell[0]} with recipe {cell[1]} appears twice")
        return self

    def baseline_of(self, row: Row) -> str:
        """The recipe that a row's gain is over."""
        return row.baseline or self.baseline
