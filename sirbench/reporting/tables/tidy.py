"""A table's numbers in tidy form: a line per row x candidates x measure, with intervals and tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
from tqdm import tqdm

from sirbench.evaluation.significance import bootstrap_interval, holm, paired_t_test
from sirbench.jobs.folders import Condition
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.published import KEYS
from sirbench.study import Row, Table

SIGNIFICANCE_LEVEL = 0.05

COLUMNS = [
    *("table", "row", "backbone", "recipe", "candidates", "measure"),
    *("value", "ci_low", "ci_high", "seeds", "queries"),
    *("p_value", "p_holm", "significant", "published", "difference"),
]

PerQuery = Mapping[Condition, pd.DataFrame]
"""Per-query values averaged over seeds; all of the same queries."""

Places = Sequence[tuple[Row, Condition]]
"""What a table has numbers about: its rows, each with every one of its candidates."""


def tidy_table(
    name: str,
    table: Table,
    places: Places,
    per_query: PerQuery,
    seeds: int,
    published: pd.DataFrame | None,
) -> pd.DataFrame:
    """The frame with `COLUMNS` that `results/<study>/tables/<name>.csv` holds.

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
        table: its measures and baseline.
        places: what the lines are about, one place or more, in order.
        per_query: values of every place, and of their baselines where the study has them.
        seeds: how many seeds `per_query` averages.
        published: the paper's numbers as `read_published` returns them, or None.

    Raises:
        InputError: conditions or measures are missing (all of them named), or conditions are about different
            queries.
    """
    _refuse_missing(name, table, places, per_query)
    numbers = [(row, condition, measure) for row, condition in places for measure in table.measures]
    lines = [
        {
            **{"table": name, "row": row.label, "backbone": condition.backbone, "recipe": condition.recipe},
            **{"candidates": condition.candidates, "measure": measure, "seeds": seeds},
            **estimate(per_query[condition][measure]),
            "p_value": _p_value(per_query, condition, table.baseline, measure),
        }
        for row, condition, measure in tqdm(numbers, desc=f"{name}: intervals and tests", unit="number")
    ]
    frame = with_corrected(pd.DataFrame(lines), family=["candidates", "measure"])
    frame["published"] = float("nan")
    if published is not None:
        frame["published"] = published["value"].reindex(pd.MultiIndex.from_frame(frame[KEYS])).to_numpy()
    frame["difference"] = frame["value"] - frame["published"]
    return frame[COLUMNS]


def verdict(ci_low: float, ci_high: float, published: float) -> str:
    """Where the published number is, seen from our 95 % interval over queries.

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
    """value, ci_low, ci_high and queries of a line, as `tidy_table` describes them."""
    low, high = bootstrap_interval(values.tolist())
    return {"value": float(values.mean()), "ci_low": low, "ci_high": high, "queries": len(values)}


def with_corrected(lines: pd.DataFrame, family: list[str]) -> pd.DataFrame:
    """Lines that have a p_value with p_holm and significant too, as `tidy_table` describes them.

    The tests of lines that agree in the columns `family` are corrected together.
    """
    p_values = lines.groupby(family, sort=False)["p_value"]
    return lines.assign(
        p_holm=p_values.transform(lambda of_family: holm(of_family.tolist())),
        significant=lines["p_value"] < SIGNIFICANCE_LEVEL,
    )


def _p_value(per_query: PerQuery, condition: Condition, baseline: str, measure: str) -> float:
    tested = replace(condition, recipe=baseline)
    if tested == condition or tested not in per_query:
        return float("nan")
    return paired_t_test(per_query[condition][measure], per_query[tested][measure])


def _refuse_missing(name: str, table: Table, places: Places, per_query: PerQuery) -> None:
    shown = [condition for _, condition in places]
    if missing := [condition.name for condition in shown if condition not in per_query]:
        raise InputError(f"{name}: no per-query values of {', '.join(missing)}; run these cells first")
    baselines = [replace(condition, recipe=table.baseline) for condition in shown]
    for condition in dict.fromkeys(shown + [it for it in baselines if it in per_query]):
        values = per_query[condition]
        if absent := [measure for measure in table.measures if measure not in values]:
            raise InputError(f"{name}: {condition.name} lacks {', '.join(absent)}; evaluate it again")
        if not values.index.equals(per_query[shown[0]].index):
            raise InputError(
                f"{name}: {condition.name} and {shown[0].name} are about different queries; "
                "evaluate both again"
            )
