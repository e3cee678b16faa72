"""A table whose rows are a study's candidates themselves: how good each first stage is, before re-ranking."""

from collections.abc import Mapping

import pandas as pd
from tqdm import tqdm

from sirbench.evaluation.claims.measured import Trainings
from sirbench.reporting.tables import notes
from sirbench.reporting.tables.gains import gains_grid
from sirbench.reporting.tables.presentation import (
    DEMONSTRATION,
    Presentation,
    ShownRow,
    as_printed,
    paper_name,
)
from sirbench.reporting.tables.tidy import COLUMNS, estimate, gain_columns, refuse_unequal, with_daggers
from sirbench.study import HOME, Table


def tidy_first_stages(
    name: str, table: Table, per_query: Mapping[str, Trainings], titles: Mapping[str, str]
) -> pd.DataFrame:
    """A line per candidates x measure, with the columns and meanings of `tidy.COLUMNS`.

    Backbone and recipe are empty, since nothing is re-ranked, and so are the published numbers. Gains are
    over the table's baseline, the candidates of that name; they are empty where `per_query` has none. The
    tests are corrected over the rows, measure by measure.

    Args:
        name: the table's name.
        table: its measures and baseline.
        per_query: per-query values by candidates, of the rows and, where the study has it, of the baseline.
        titles: candidates -> how the table calls them, in the order of the rows.

    Raises:
        InputError: a measure is missing, or candidates are about different queries.
    """
    refuse_unequal(name, table.measures, list(per_query.values()))
    lines = []
    for candidates in tqdm(titles, f"{name}: intervals and tests", unit="row", delay=2):
        own = candidates == table.baseline
        baseline = None if own else per_query.get(table.baseline)
        for measure in table.measures:
            of_row = per_query[candidates].by(measure)
            lines.append(
                {
                    **{"table": name, "row": titles[candidates], "backbone": "", "recipe": "", "cpr": ""},
                    **{"negatives": "", "on": HOME, "candidates": candidates, "measure": measure},
                    **estimate(of_row),
                    "baseline": "" if own else table.baseline,
                    **gain_columns(of_row, baseline.by(measure) if baseline else None),
                    "verdict": "",
                }
            )
    return with_daggers(pd.DataFrame(lines).reindex(columns=COLUMNS), family=["measure"])


def present_first_stages(
    tidy: pd.DataFrame, table: Table, depth: int, demonstration: bool = False
) -> Presentation:
    """What `tidy_first_stages` returned from the same `table`, ready to be laid out."""
    lines = as_printed(tidy, ["measure"])
    return Presentation(
        name=tidy["table"].iloc[0],
        title=table.title,
        caption=table.caption,
        warning=DEMONSTRATION if demonstration else "",
        groups=[(f"Top {depth}", [paper_name(measure) for measure in table.measures])],
        rows=[
            ShownRow(str(row), list(group["number"]))
            for (_, row), group in lines.groupby(["candidates", "row"], sort=False)
        ],
        notes=[
            f"Means over {notes.dev_queries(lines)}. Bold: highest of its column, by however little.",
            _test_note(lines, table),
        ],
        stub="First stage",
        grids=gains_grid(lines, lambda line: paper_name(line.measure)),
    )


def _test_note(lines: pd.DataFrame, table: Table) -> str:
    others = lines[lines["candidates"] != table.baseline]
    if others.empty:
        return f"Not tested: {table.baseline} is the only first stage of this study."
    if others["p_paired_t"].isna().all():
        return f"Not tested, for want of {table.baseline} in this study, or of a second query."
    return notes.tests(table.baseline, "Of a first stage that learns, a mark is about this one training.")
