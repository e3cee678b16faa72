"""What cells lose on a further set of queries against the study's own: columns of a table of transfer."""

from collections.abc import Callable, Mapping
from math import nan

import numpy as np
import pandas as pd
from scipy import stats

from sirbench.evaluation.claims.inference import LEVEL
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.needs import condition_of_row
from sirbench.reporting.tables.presentation import Grid, Line, each, with_columns
from sirbench.reporting.tables.tidy import PerQuery
from sirbench.study import HOME, Table

LOSS_COLUMNS = ["home_value", "loss", "loss_low", "loss_high"]
NOTES = [
    "Loss: the value at home minus the value there. Its 95 % interval is over queries alone, which are other "
    "ones there (Welch's t): it is about these trained models.",
    "Collections differ in how hard they are, whatever is trained: compare a loss with that of the "
    "candidates as they are.",
]
Candidates = Mapping[str, pd.DataFrame]
"""Per-query measures of candidates as they are, by column (`Condition.column`)."""


def with_losses(config: Configuration, table: Table, lines: pd.DataFrame, values: PerQuery) -> pd.DataFrame:
    """The tidy lines with `LOSS_COLUMNS`, empty for the study's own queries, and where nothing is trained.

    * home_value: the value of the same cells on the study's dev queries, with candidates of the same name;
    * loss: home_value minus value; loss_low, loss_high: its 95 % interval (`loss_of`).
    """
    rows = {row.label: row for row in table.rows if config.trained[row.recipe].trains}
    found: list[tuple[float, ...]] = []
    for line in each(lines):
        columns = [(on, line.candidates) for on in (HOME, line.on)] if line.on != HOME else []
        row = rows.get(line.row)
        both = [values.get(condition_of_row(config, row, column)) for column in columns if row]
        if both and all(it and it.per_query for it in both):
            home, there = (it.by(line.measure).of_queries for it in both if it)
            found.append((float(home.mean()), *loss_of(home, there)))
        else:
            found.append((nan,) * len(LOSS_COLUMNS))
    return lines.assign(**dict(zip(LOSS_COLUMNS, zip(*found, strict=True), strict=True)))


def loss_of(home: pd.Series, there: pd.Series) -> tuple[float, float, float]:
    """The mean of `home` minus that of `there`, and its 95 % interval by Welch's t, over different queries.

    There is no interval where a set has a single query.
    """
    loss = float(home.mean() - there.mean())
    if min(len(home), len(there)) < 2:
        return loss, nan, nan
    if np.ptp(home) == np.ptp(there) == 0:
        return loss, loss, loss
    interval = stats.ttest_ind(home, there, equal_var=False).confidence_interval(1 - LEVEL)
    return loss, float(interval.low), float(interval.high)


def losses_grid(lines: pd.DataFrame, candidates: Candidates, head: Callable[[Line], str]) -> list[Grid]:
    """The grid of all losses, those of the candidates as they are first; nothing where there is none.

    Args:
        lines: of `with_losses`.
        candidates: measures of the candidates, those of the study's own queries among them.
        head: what to call a line's column.
    """
    lost = with_columns(lines[lines["loss"].notna()])
    if lost.empty:
        return []
    rows = []
    for _, group in lost.groupby(["column", "measure"], sort=False):
        first = each(group)[0]
        home, there = candidates.get(first.candidates), candidates.get(first.column)
        if home is not None and there is not None and first.measure in home and first.measure in there:
            measures = home[first.measure], there[first.measure]
            numbers = (float(measures[0].mean()), float(measures[1].mean()), *loss_of(*measures))
            rows.append(_row("Candidates as they are", head(first), *numbers))
        rows += [
            _row(it.row, head(it), it.home_value, it.value, it.loss, it.loss_low, it.loss_high)
            for it in each(group)
        ]
    heads = ["Model", "Column", "At home", "There", "Loss", "95 % interval"]
    return [Grid("Loss against the home collection", heads, rows, NOTES, words={"Model", "Column"})]


def _row(label: str, head: str, home: float, there: float, loss: float, low: float, high: float) -> list[str]:
    interval = "" if np.isnan(low) else f"{low:+.3f} to {high:+.3f}"
    return [label, head, f"{home:.3f}", f"{there:.3f}", f"{loss:+.3f}", interval]
