"""A table of cells as it is printed, in the paper's shape."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sirbench.reporting.tables import notes
from sirbench.reporting.tables.gains import gains_grid
from sirbench.reporting.tables.pairs import pairs_grid
from sirbench.reporting.tables.presentation import (
    DEMONSTRATION,
    NOT_MEASURED,
    Number,
    Presentation,
    ShownRow,
    as_printed,
    each,
    paper_name,
    with_columns,
)
from sirbench.reporting.tables.tidy import PerQuery
from sirbench.study import Row, Table


def present(
    tidy: pd.DataFrame,
    table: Table,
    per_query: PerQuery,
    groups: Mapping[str, str],
    first_stage: Mapping[str, Mapping[str, float]],
    left_out: Sequence[str] = (),
    demonstration: bool = False,
    claimed: bool = False,
) -> Presentation:
    """What `tidy_table` returned in the paper's shape.

    Args:
        tidy: the frame of `tidy_table`; what it lacks is shown as a dash.
        table: the table that it was made from.
        per_query: the same as there.
        groups: column -> head of its column group, e.g. {"hdct": "HDCT Top 100"}, in order; a column is
            `Condition.column`.
        first_stage: column -> measures of the candidates themselves, R@100 among them.
        left_out: labels of the rows that the study has no backbone for.
        demonstration: say on the table's face that its numbers mean nothing.
        claimed: whether the study has claims to point to.
    """
    lines = with_columns(as_printed(tidy, ["on", "candidates", "measure"]))
    lines["baseline_diverged"] = _diverged_baselines(lines, per_query)
    numbers: dict[tuple[str, ...], Number] = {
        (line.row, line.backbone, line.recipe, line.column, line.measure): line.number for line in each(lines)
    }
    return Presentation(
        name=tidy["table"].iloc[0],
        title=table.title,
        caption=table.caption,
        warning=DEMONSTRATION if demonstration else "",
        groups=[(head, [paper_name(measure) for measure in table.measures]) for head in groups.values()],
        rows=[
            ShownRow(
                label=_label(row, lines, groups),
                numbers=[
                    numbers.get((row.label, row.backbone, row.recipe, column, measure), NOT_MEASURED)
                    for column in groups
                    for measure in table.measures
                ],
                rule_above=row.rule_above,
            )
            for row in table.rows
        ],
        notes=[
            notes.sample(lines),
            *_tests(lines, claimed),
            *notes.untested(lines),
            *notes.diverged(lines, groups),
            *notes.readings(lines),
            *notes.negatives(lines),
            *(notes.first_stage(groups[name], measures) for name, measures in first_stage.items()),
            *([f"Left out, as this study lacks their backbones: {', '.join(left_out)}."] if left_out else []),
        ],
        grids=[
            *gains_grid(lines, lambda line: f"{groups[line.column]}, {paper_name(line.measure)}"),
            *([pairs_grid(lines)] if table.cost else []),
        ],
    )


def _tests(lines: pd.DataFrame, claimed: bool) -> list[str]:
    tested = lines[lines["p_paired_t"].notna()]
    if tested.empty:
        return []
    meaning = f"{notes.OF_MODELS} {notes.CLAIMS}" if claimed else notes.OF_MODELS
    return [notes.tests(f"{notes.compared_with(tested)} by the paper's test", meaning)]


def _label(row: Row, lines: pd.DataFrame, groups: Mapping[str, str]) -> str:
    """A row's label, and how many of its seeds converged where it is fewer than all and more than none."""
    here = lines[(lines["backbone"] == row.backbone) & (lines["recipe"] == row.recipe) & (lines["seeds"] > 0)]
    fewer = {
        str(line.column): str(line.diverged).partition(" converged")[0]
        for line in each(here[here["row"] == row.label])
        if line.diverged
    }
    if not fewer:
        return row.label
    alike = len(fewer) == len(groups) and len(set(fewer.values())) == 1
    if alike:
        return f"{row.label} ({next(iter(fewer.values()))})"
    return f"{row.label} ({'; '.join(f'{groups[name]}: {seeds}' for name, seeds in fewer.items())})"


def _diverged_baselines(lines: pd.DataFrame, per_query: PerQuery) -> list[str]:
    """For each line how many seeds of its baseline converged, where none did."""
    of_baselines = {
        (one.column, one.negatives, one.backbone, one.recipe): trainings.convergence
        for one, trainings in per_query.items()
        if not trainings.per_query
    }
    places = lines[["column", "negatives", "backbone", "baseline"]].itertuples(index=False, name=None)
    return [of_baselines.get(place, "") for place in places]
