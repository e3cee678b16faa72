"""A table whose rows are a study's candidates themselves: how good each first stage is, before re-ranking."""

from collections.abc import Mapping

import pandas as pd
from tqdm import tqdm

from sirbench.evaluation.significance import paired_t_test
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.presentation import (
    DEMONSTRATION,
    Presentation,
    ShownRow,
    as_printed,
    number_of,
    of_queries,
    paper_name,
    significance_note,
)
from sirbench.reporting.tables.tidy import COLUMNS, estimate, with_corrected
from sirbench.study import Table


def tidy_first_stages(
    name: str, table: Table, per_query: Mapping[str, pd.DataFrame], titles: Mapping[str, str]
) -> pd.DataFrame:
    """A line per candidates x measure, with the columns and meanings of `tidy.tidy_table`.

    Backbone and recipe are empty, since nothing is re-ranked, and so are the published numbers. p_value is of
    the two-sided paired t-test over queries against the table's baseline, the candidates of that name; it is
    empty where `per_query` has none. p_holm corrects over the rows, measure by measure.

    Args:
        name: the table's name.
        table: its measures and baseline.
        per_query: per-query values by candidates, of the rows and, where the study has it, of the baseline.
        titles: candidates -> how the table calls them, in the order of the rows.

    Raises:
        InputError: a measure is missing, or candidates are about different queries.
    """
    _refuse_unequal(name, table, per_query)
    numbers = [(candidates, measure) for candidates in titles for measure in table.measures]
    lines = [
        {
            **{"table": name, "row": titles[candidates], "backbone": "", "recipe": ""},
            **{"candidates": candidates, "measure": measure, "seeds": 1},
            **estimate(per_query[candidates][measure]),
            "p_value": _p_value(per_query, candidates, table.baseline, measure),
            **{"published": float("nan"), "difference": float("nan")},
        }
        for candidates, measure in tqdm(numbers, f"{name}: intervals and tests", unit="number", delay=2)
    ]
    return with_corrected(pd.DataFrame(lines), family=["measure"])[COLUMNS]


def present_first_stages(
    tidy: pd.DataFrame,
    table: Table,
    per_query: Mapping[str, pd.DataFrame],
    depth: int,
    demonstration: bool = False,
) -> Presentation:
    """What `tidy_first_stages` returned from the same `table` and `per_query`, ready to be laid out."""
    lines = as_printed(tidy, ["measure"], lambda line: float(per_query[table.baseline][line.measure].mean()))
    return Presentation(
        name=tidy["table"].iloc[0],
        title=table.title,
        caption=table.caption,
        warning=DEMONSTRATION if demonstration else "",
        groups=[(f"Top {depth}", [paper_name(measure) for measure in table.measures])],
        rows=[
            ShownRow(str(row), [number_of(line) for line in group.itertuples()])
            for (_, row), group in lines.groupby(["candidates", "row"], sort=False)
        ],
        notes=[f"Means over {of_queries(lines)}. Bold: best of its column.", _test_note(lines, table)],
        comparisons=[],
        stub="First stage",
    )


def _p_value(per_query: Mapping[str, pd.DataFrame], candidates: str, baseline: str, measure: str) -> float:
    if candidates == baseline or baseline not in per_query:
        return float("nan")
    return paired_t_test(per_query[candidates][measure], per_query[baseline][measure])


def _test_note(lines: pd.DataFrame, table: Table) -> str:
    others = lines[lines["candidates"] != table.baseline]
    if others.empty:
        return f"Not tested: {table.baseline} is the only first stage of this study."
    if others["p_value"].isna().all():
        return f"Not tested, for want of {table.baseline} in this study, or of a second query."
    return significance_note(table.baseline)


def _refuse_unequal(name: str, table: Table, per_query: Mapping[str, pd.DataFrame]) -> None:
    first = next(iter(per_query))
    for candidates, values in per_query.items():
        if absent := [measure for measure in table.measures if measure not in values]:
            raise InputError(f"{name}: {candidates} lacks {', '.join(absent)}; evaluate it again")
        if not values.index.equals(per_query[first].index):
            raise InputError(
                f"{name}: {candidates} and {first} are about different queries; evaluate both again"
            )
