"""A table's numbers in tidy form: a line per row x candidates x measure, with intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from tqdm import tqdm

from sirbench.evaluation.significance import bootstrap_interval, holm, paired_t_test
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.published import KEYS, published_value

if TYPE_CHECKING:
    from sirbench.study import Row, Table

SIGNIFICANCE_LEVEL = 0.05

COLUMNS = [
    *("table", "row", "backbone", "recipe", "candidates", "measure"),
    *("value", "ci_low", "ci_high", "seeds", "queries"),
    *("p_value", "p_holm", "significant", "published", "difference"),
]

PerQuery = Mapping[tuple[str, str, str], pd.DataFrame]
"""(candidates, backbone, recipe) -> per-query values averaged over seeds; all of the same queries."""


def tidy_table(
    name: str,
    table: Table,
    per_query: PerQuery,
    candidates: Sequence[str],
    seeds: int,
    published: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return the frame with `COLUMNS` that `results/<study>/tables/<name>.csv` holds.

    * value: the mean over queries; ci_low, ci_high: its 95 % percentile bootstrap interval over queries
      (empty for a single query); seeds, queries: how many went into it.
    * p_value: two-sided paired t-test over queries against the table's baseline recipe with the same
      backbone and candidates, on the line's own measure, so that no number is called significant on the
      strength of another one. On RR@100 it is the test that the paper's dagger stands for. Empty for the
      baseline itself, where the study lacks the baseline's cell, and for a single query.
    * p_holm: p_value after Holm's correction, its family being all tests of one candidates x measure, that is
      one column of the printed table.
    * significant: p_value < 0.05, uncorrected like the paper's dagger, for better or worse.
    * published, difference: the paper's value in its table of the same name, and ours minus it; empty where
      it has none. Give `published` only where the study repeats the paper's setting.

    Args:
        name: the table's name, both in the study's results and, for table1 to table3, in the paper.
        table: its rows, measures and baseline.
        per_query: values of every cell of the table, and of its baselines where the study has them.
        candidates: column groups, in order.
        seeds: how many seeds `per_query` averages.
        published: the paper's numbers as `read_published` returns them, or None.

    Raises:
        InputError: cells or measures are missing (all of them named), or cells are about different queries.
    """
    _refuse_missing(name, table, per_query, candidates)
    columns = [(row, run, measure) for row in table.rows for run in candidates for measure in table.measures]
    lines = [
        {
            **{"table": name, "row": row.label, "backbone": row.backbone, "recipe": row.recipe},
            **{"candidates": run, "measure": measure, "seeds": seeds},
            **estimate(per_query[run, row.backbone, row.recipe][measure]),
            "p_value": _p_value(per_query, table, row, run, measure),
        }
        for row, run, measure in tqdm(columns, desc=f"{name}: intervals and tests", unit="number")
    ]
    frame = with_corrected(pd.DataFrame(lines), family=["candidates", "measure"])
    frame["published"] = [
        float("nan") if published is None else published_value(published, *place)
        for place in frame[KEYS].itertuples(index=False)
    ]
    frame["difference"] = frame["value"] - frame["published"]
    return frame[COLUMNS]


def verdict(ci_low: float, ci_high: float, published: float) -> str:
    """Say how the published number lies to our 95 % interval over queries.

    "inside our 95 % interval" (ends included), "ours higher" (it lies below the interval), "ours lower" (it
    lies above), or "no interval" (a single query). The interval knows nothing of seeds or of the paper's own
    uncertainty: a verdict of higher or lower asks for a reason, it does not prove one.
    """
    if published < ci_low:
        return "ours higher"
    if published > ci_high:
        return "ours lower"
    return "inside our 95 % interval" if ci_low <= published <= ci_high else "no interval"


def estimate(values: pd.Series) -> dict[str, float | int]:
    """Return value, ci_low, ci_high and queries of a line, as `tidy_table` describes them."""
    low, high = bootstrap_interval(values)
    return {"value": float(values.mean()), "ci_low": low, "ci_high": high, "queries": len(values)}


def with_corrected(lines: pd.DataFrame, family: list[str]) -> pd.DataFrame:
    """Return lines that have a p_value with p_holm and significant too, as `tidy_table` describes them.

    The tests of lines that agree in the columns `family` are corrected together.
    """
    p_values = lines.groupby(family, sort=False)["p_value"]
    return lines.assign(
        p_holm=p_values.transform(lambda of_family: holm(of_family.tolist())),
        significant=lines["p_value"] < SIGNIFICANCE_LEVEL,
    )


def _p_value(per_query: PerQuery, table: Table, row: Row, candidates: str, measure: str) -> float:
    baseline = per_query.get((candidates, row.backbone, table.baseline))
    if row.recipe == table.baseline or baseline is None:
        return float("nan")
    return paired_t_test(per_query[candidates, row.backbone, row.recipe][measure], baseline[measure])


def _refuse_missing(name: str, table: Table, per_query: PerQuery, candidates: Sequence[str]) -> None:
    cells = [(run, row.backbone, row.recipe) for run in candidates for row in table.rows]
    if missing := ["/".join(cell) for cell in cells if cell not in per_query]:
        raise InputError(f"{name}: no per-query values of {', '.join(missing)}; run these cells first")
    baselines = [(run, row.backbone, table.baseline) for run in candidates for row in table.rows]
    for cell in dict.fromkeys(cells + [baseline for baseline in baselines if baseline in per_query]):
        absent = [measure for measure in table.measures if measure not in per_query[cell]]
        if absent:
            raise InputError(f"{name}: {'/'.join(cell)} lacks {', '.join(absent)}; evaluate it again")
        if not per_query[cell].index.equals(per_query[cells[0]].index):
            raise InputError(
                f"{name}: {'/'.join(cell)} and {'/'.join(cells[0])} are about different queries; "
                "evaluate both again"
            )
