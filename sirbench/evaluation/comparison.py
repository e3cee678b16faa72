"""Runs side by side: the mean of each, and how far one of them is from every other, query by query."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import pandas as pd

from sirbench.evaluation.significance import bootstrap_interval, holm, paired_t_test, t_interval

COLUMNS = [
    *("measure", "run", "queries", "mean", "ci_low", "ci_high"),
    *("difference", "difference_low", "difference_high", "p_value", "p_holm"),
]
Interval = Literal["bootstrap", "t"]
INTERVALS: Mapping[Interval, Callable[[pd.Series], tuple[float, float]]] = {
    "bootstrap": bootstrap_interval,
    "t": t_interval,
}


def compare(
    values: Mapping[str, pd.DataFrame], measures: Sequence[str], interval: Interval = "bootstrap"
) -> pd.DataFrame:
    """A line with `COLUMNS` for each measure and run.

    * mean, ci_low, ci_high: over queries, with its 95 % interval.
    * difference, difference_low, difference_high: the mean of the first run minus that of this one, with its
      95 % interval over queries; empty for the first.
    * p_value: two-sided paired t-test over queries of this difference; p_holm: after Holm's correction over
      all tests of the same measure.

    Args:
        values: per-query values by name of the run, all of the same queries in the same order; the first run
            is compared with all others.
        measures: columns of these.
        interval: `bootstrap` (percentile) or `t`.
    """
    first = next(iter(values))
    lines = [
        _line(measure, run, frame[measure], values[first][measure] if run != first else None, interval)
        for measure in measures
        for run, frame in values.items()
    ]
    table = pd.DataFrame(lines, columns=COLUMNS[:-1])
    p_values = table.groupby("measure", sort=False)["p_value"]
    return table.assign(p_holm=p_values.transform(lambda family: holm(family.tolist())))


def _line(
    measure: str, run: str, values: pd.Series, first: pd.Series | None, interval: Interval
) -> tuple[str | float, ...]:
    estimate = (measure, run, len(values), float(values.mean()), *INTERVALS[interval](values))
    if first is None:
        return (*estimate, *[float("nan")] * 4)
    difference = first - values
    compared = (float(difference.mean()), *INTERVALS[interval](difference), paired_t_test(first, values))
    return (*estimate, *compared)
