"""A table: rows and columns over cells."""

from typing import Self

from pydantic import Field, model_validator

from sirbench.study.settings import Settings

BASELINE = "v0"
"""The recipe that every t-test compares with, unless a table names another."""


class Row(Settings):
    """One row of a table: a backbone fine-tuned by a recipe."""

    label: str
    """What the row is called in the table."""
    backbone: str
    """Name of a backbone; a study without it leaves the row out and the table says so."""
    recipe: str
    """Name of a file in config/recipes/."""
    rule_above: bool = False
    """True draws a line above this row."""


class Table(Settings):
    """A table: rows are cells, columns are candidates by measures."""

    title: str
    """One line for the head of the table."""
    caption: str
    """What the table shows, for the .tex caption and the report."""
    measures: list[str] = Field(min_length=1)
    """Measures in ir_measures' names, e.g. `RR@100`; the columns of every candidates group."""
    rows: list[Row] = Field(min_length=1)
    baseline: str = BASELINE
    """Recipe whose cell, with the same backbone and candidates, a row is t-tested against."""
    candidates: list[str] | None = None
    """Candidates to show, in order; null: all that the study re-ranks."""

    @model_validator(mode="after")
    def _rows_differ(self) -> Self:
        cells = [(row.backbone, row.recipe) for row in self.rows]
        for cell in cells:
            if cells.count(cell) > 1:
                raise ValueError(f"rows: backbone {cell[0]} with recipe {cell[1]} stands there twice")
        return self
