"""What a printed table shows, whatever its format: heads, rounded numbers, bold, marks, notes, verdicts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sirbench.reporting.tables.tidy import SIGNIFICANCE_LEVEL, PerQuery, verdict
from sirbench.study import Table

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
    """One number of the table: its text, whether it is the best of its column, its mark or ""."""

    text: str
    best: bool = False
    mark: str = ""


NOT_MEASURED = Number("–")


@dataclass(frozen=True)
class ShownRow:
    """One row of the table, its numbers from left to right."""

    label: str
    numbers: list[Number]
    rule_above: bool = False


@dataclass(frozen=True)
class Comparison:
    """One of our numbers beside the published one; texts, except for the verdict ready to print."""

    label: str
    column: str
    ours: str
    interval: str
    published: str
    difference: str
    verdict: str


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
    comparisons: list[Comparison]
    stub: str = "Model"
    """Head of the column of labels."""


def present(
    tidy: pd.DataFrame,
    table: Table,
    per_query: PerQuery,
    groups: Mapping[str, str],
    first_stage: Mapping[str, Mapping[str, float]],
    left_out: Sequence[str] = (),
    demonstration: bool = False,
) -> Presentation:
    """What `tidy_table` returned in the paper's shape.

    Args:
        tidy: the frame of `tidy_table`; what it lacks is shown as a dash.
        table: the table that it was made from.
        per_query: the same as there; a mark's direction needs the baseline, which may not be a row.
        groups: candidates -> head of its column group, e.g. {"hdct": "HDCT Top 100"}, in order.
        first_stage: candidates -> measures of the candidates themselves, R@100 among them.
        left_out: labels of the rows that the study has no backbone for.
        demonstration: say on the table's face that its numbers mean nothing.
    """
    of_baseline = [(one, it) for one, it in per_query.items() if one.recipe == table.baseline]
    baselines = {(one.candidates, one.backbone): it for one, it in of_baseline}
    lines = as_printed(
        tidy,
        ["candidates", "measure"],
        lambda line: float(baselines[line.candidates, line.backbone][line.measure].mean()),
    )
    numbers = {
        (line.backbone, line.recipe, line.candidates, line.measure): number_of(line)
        for line in lines.itertuples()
    }
    return Presentation(
        name=tidy["table"].iloc[0],
        title=table.title,
        caption=table.caption,
        warning=DEMONSTRATION if demonstration else "",
        groups=[(head, [paper_name(measure) for measure in table.measures]) for head in groups.values()],
        rows=[
            ShownRow(
                label=row.label,
                numbers=[
                    numbers.get((row.backbone, row.recipe, candidates, measure), NOT_MEASURED)
                    for candidates in groups
                    for measure in table.measures
                ],
                rule_above=row.rule_above,
            )
            for row in table.rows
        ],
        notes=[
            _sample_note(lines),
            *_test_notes(lines, table),
            *(_first_stage_note(groups[name], measures) for name, measures in first_stage.items()),
            *([f"Left out, as this study lacks their backbones: {', '.join(left_out)}."] if left_out else []),
        ],
        comparisons=[_compare(line, groups) for line in lines.dropna(subset="published").itertuples()],
    )


def as_printed(tidy: pd.DataFrame, column: list[str], baseline: Callable[[Line], float]) -> pd.DataFrame:
    """The lines with `text`, `mark`, and whether they are `best` of their column of the printed table.

    Args:
        tidy: lines of a tidy table.
        column: names of what the lines of one printed column agree in.
        baseline: the mean of what a significant line is tested against.
    """
    lines = tidy.assign(
        text=[f"{value:.3f}" for value in tidy["value"]],
        mark=[_mark(line, baseline(line)) if line.significant else "" for line in tidy.itertuples()],
    )
    printed = lines["text"].astype("float64")  # what looks equal is equally bold
    return lines.assign(best=printed == printed.groupby([lines[it] for it in column]).transform("max"))


def number_of(line: Line) -> Number:
    """A line of `as_printed` as a number of the table."""
    return Number(line.text, line.best, line.mark)


def paper_name(measure: str) -> str:
    """The paper's name of a measure: MRR@100 for RR@100; others stay as they are."""
    name, at, cutoff = measure.partition("@")
    return PAPER_NAMES.get(name, name) + at + cutoff


def of_queries(lines: pd.DataFrame) -> str:
    """How many queries a number is the mean of, in words."""
    queries = lines["queries"].iloc[0]
    return "one dev query" if queries == 1 else f"{queries} dev queries"


def significance_note(baseline: str) -> str:
    """What the marks of significance mean."""
    return (
        f"{BETTER} significantly better, {WORSE} significantly worse than {baseline}: two-sided paired "
        f"t-test over queries on the column's own measure, p < {SIGNIFICANCE_LEVEL}; in parentheses where "
        "Holm's correction over the column undoes it."
    )


def _mark(line: Line, baseline: float) -> str:
    """The mark of a significant line's direction, in parentheses where Holm's correction undoes it."""
    direction = BETTER if line.value > baseline else WORSE
    return direction if line.p_holm < SIGNIFICANCE_LEVEL else f"({direction})"


def _sample_note(lines: pd.DataFrame) -> str:
    seeds = lines["seeds"].iloc[0]
    of_seeds = "one seed" if seeds == 1 else f"each query's values averaged over {seeds} seeds first"
    return f"Means over {of_queries(lines)}, {of_seeds}. Bold: best of its column."


def _test_notes(lines: pd.DataFrame, table: Table) -> list[str]:
    tested = f"{table.baseline} with the same backbone"
    notes = [significance_note(tested)] if lines["p_value"].notna().any() else []
    untested = lines[lines["p_value"].isna() & (lines["recipe"] != table.baseline)]
    if len(untested):
        rows = ", ".join(dict.fromkeys(untested["row"]))
        notes.append(f"Not tested, for want of {tested}, or of a second query: {rows}.")
    return notes


def _first_stage_note(head: str, measures: Mapping[str, float]) -> str:
    values = [
        f"{paper_name(name)} {value:.3f}" + (" (no re-ranking finds more)" if name[:2] == "R@" else "")
        for name, value in measures.items()
    ]
    return f"{head} before re-ranking: {', '.join(values)}."


def _compare(line: Line, groups: Mapping[str, str]) -> Comparison:
    return Comparison(
        label=line.row,
        column=f"{groups[line.candidates]}, {paper_name(line.measure)}",
        ours=line.text,
        interval=f"{line.ci_low:.3f} to {line.ci_high:.3f}" if line.queries > 1 else "",
        published=f"{line.published:.3f}",
        difference=f"{line.difference:+.3f}",
        verdict=verdict(line.ci_low, line.ci_high, line.published),
    )
