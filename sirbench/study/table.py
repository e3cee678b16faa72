"""A table: rows and columns over cells, or over the candidates themselves."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sirbench.study.query_set import HOME
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
    negatives: str | None = Field(None, exclude_if=lambda name: name is None)
    """Candidates that the row's cells are trained on, whichever they re-rank; null: as the study says."""


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
    of: Literal["cells", "transfer", "depths", "candidates"] = "cells"
    """What it shows. `cells`: on the study's dev queries. `transfer`: the same beside every set of
    `evaluate_on`. `depths`: the same at each of `depths`. `candidates`: these as their first stage made them,
    before any re-ranking."""
    rows: list[Row] = Field(default_factory=list)
    """The rows of a table of cells; a table of candidates has one for each of the study's."""
    baseline: str = BASELINE
    """Recipe that gains are over and the t-test compares with, with the same backbone and candidates, unless
    the row names another; in a table of candidates, the name of the candidates to compare with."""
    query_set: str = Field(HOME, exclude_if=lambda name: name == HOME)
    """For `of: depths`, the set of queries: `dev`, or one of the study's `evaluate_on`."""
    cost: bool = Field(False, exclude_if=lambda shown: not shown)
    """Print beneath the table how many pairs each row's training forwards; the CSV has them anyway."""
    candidates: list[str] | None = None
    """Candidates to show, in order; null: all that the study re-ranks, or, in a table of candidates, has."""

    @model_validator(mode="after")
    def _fits_what_its_rows_are(self) -> Self:
        if self.of_cells and not self.rows:
            raise ValueError("rows: a table of cells needs at least one row")
        if self.of == "candidates" and self.rows:
            raise ValueError("rows: a table of candidates makes its own rows; remove them, or `of`")
        if self.of == "candidates" and "baseline" not in self.model_fields_set:
            raise ValueError("baseline: this key is missing: which candidates to test against, e.g. bm25")
        if self.query_set != HOME and self.of != "depths":
            raise ValueError("query_set: only a table `of: depths` is about one set of queries; remove it")
        return self

    @model_validator(mode="after")
    def _rows_differ(self) -> Self:
        cells = [(row.backbone, row.recipe, row.negatives) for row in self.rows]
        for cell in cells:
            if cells.count(cell) > 1:
                negatives = f" and negatives {cell[2]}" if cell[2] else ""
                raise ValueError(f"rows: backbone {cell[0]} with recipe {cell[1]}{negatives} appears twice")
        # Rows that differ in less than backbone and recipe are told apart by their labels.
        alone = self.of in ("transfer", "depths")
        named = [(row.label,) if alone else (row.label, row.backbone, row.recipe) for row in self.rows]
        if twice := [names[0] for names in named if named.count(names) > 1]:
            raise ValueError(f"rows: the label {twice[0]!r} appears twice; tell the two apart")
        return self

    @property
    def of_cells(self) -> bool:
        """Whether its rows are cells."""
        return self.of != "candidates"

    def baseline_of(self, row: Row) -> str:
        """The recipe that a row's gain is over."""
        return row.baseline or self.baseline
