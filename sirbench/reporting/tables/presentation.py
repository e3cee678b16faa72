"""What a printed table is made of, whatever its format: heads, numbers with spread and mark, notes, grids."""

from dataclasses import dataclass, field
from math import isnan
from typing import Any

import pandas as pd

from sirbench.reporting.tables.tidy import SIGNIFICANCE_LEVEL
from sirbench.study import HOME

BETTER, WORSE = "†", "‡"
"""The paper has one dagger for both, so that its V1 Top 16, significantly worse, looks like a success."""

DEMONSTRATION = (
    "DEMONSTRATION ONLY: these numbers mean nothing. "
    "They show that the suite runs; do not cite or compare them."
)

PAPER_NAMES = {"RR": "MRR", "AP": "MAP", "nDCG": "NDCG", "R": "recall"}
"""ir_measures' names, which the CSVs use, and the paper's, which printed tables use."""

Line = Any
"""A line of a tidy table, as `itertuples` gives it."""


@dataclass(frozen=True)
class Number:
    """One number of the table, whether it is the best of its column, its mark and its spread, each or ""."""

    text: str
    best: bool = False
    mark: str = ""
    spread: str = ""


NOT_MEASURED = Number("–")
DIVERGED = Number("diverged")


@dataclass(frozen=True)
class ShownRow:
    """One row of the table, its numbers from left to right."""

    label: str
    numbers: list[Number]
    rule_above: bool = False


@dataclass(frozen=True)
class Grid:
    """A second table below the first; all strings are plain text, not yet escaped."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    notes: list[str]
    words: set[str]
    """Heads of the columns that have words in them; the others have numbers."""


@dataclass(frozen=True)
class Presentation:
    """Everything that a format has to lay out; all strings are plain text, not yet escaped."""

    name: str
    title: str
    caption: str
    warning: str
    groups: list[tuple[str, list[str]]]
    """Head of each column group, e.g. HDCT Top 100, and heads of its columns."""
    rows: list[ShownRow]
    notes: list[str]
    stub: str = "Model"
    """Head of the column of labels."""
    grids: list[Grid] = field(default_factory=list)
    """What is printed beneath where there is room: the gains."""


def as_printed(tidy: pd.DataFrame, column: list[str]) -> pd.DataFrame:
    """The lines with `number`, a `Number`; bold is the highest of its column, what looks equal equally.

    Args:
        tidy: lines of a tidy table.
        column: names of what the lines of one printed column agree in.
    """
    texts = tidy["value"].map("{:.3f}".format)
    printed = texts.astype("float64")
    best = printed == printed.groupby([tidy[it] for it in column]).transform("max")
    numbers = [_number(*of) for of in zip(each(tidy), texts, best, strict=True)]
    return tidy.assign(number=pd.Series(numbers, index=tidy.index, dtype="object"))


def with_columns(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with `column`: the queries and candidates of a group of columns, as `Condition.column`."""
    further = lines["on"] + "/" + lines["candidates"]
    return lines.assign(column=lines["candidates"].where(lines["on"] == HOME, further))


def each(lines: pd.DataFrame) -> list[Line]:
    """The lines one by one."""
    return list(lines.itertuples())


def paper_name(measure: str) -> str:
    """The paper's name of a measure: MRR@100 for RR@100; others stay as they are."""
    name, at, cutoff = measure.partition("@")
    return PAPER_NAMES.get(name, name) + at + cutoff


def _number(line: Line, text: str, best: bool) -> Number:
    if isnan(line.value):
        return DIVERGED
    spread = "" if isnan(line.sd_seeds) else f"{line.sd_seeds:.3f}"
    return Number(text, best, _mark(line) if line.dagger else "", spread)


def _mark(line: Line) -> str:
    """The mark of the paper's test: its direction, in parentheses where Holm's correction undoes it."""
    direction = BETTER if line.gain > 0 else WORSE
    return direction if line.p_paired_t_holm < SIGNIFICANCE_LEVEL else f"({direction})"
