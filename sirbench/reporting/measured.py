"""The numbers of a table as a figure draws them: a line for each that should be there, with a reason where none is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sirbench import plan
from sirbench.evaluation.measures import read_per_query
from sirbench.evaluation.significance import average_over_seeds
from sirbench.layout import Layout
from sirbench.reporting.presentation import paper_name
from sirbench.reporting.tables import tidy_table

if TYPE_CHECKING:
    from sirbench.config import Configuration

KEYS = ["row", "backbone", "recipe", "candidates", "measure"]
COLUMNS = [*KEYS, "value", "ci_low", "ci_high", "seeds", "queries", "published", "missing"]


def table_numbers(config: Configuration, name: str, measures: Sequence[str]) -> pd.DataFrame:
    """Return a line for each row x candidates x measure of a table, in its order, with `COLUMNS`.

    The numbers are those of the table's CSV. Where there is none, since one of its cells failed, they are
    worked out for the cells that are there. `missing` says why a line has no value, and is "" where it has.
    """
    table, study = config.tables[name], config.study
    path = Layout(config.name).table(name)
    known = pd.read_csv(path) if path.exists() else _of_measured_cells(config, name)
    wanted = pd.DataFrame(
        [
            (row.label, row.backbone, row.recipe, candidates, measure)
            for row in table.rows
            for candidates in plan.shown_candidates(config, table)
            for measure in measures
        ],
        columns=KEYS,
    )
    lines = wanted.merge(known.reindex(columns=COLUMNS[:-1]), how="left", on=KEYS)
    no_backbone = ~lines["backbone"].isin(list(study.backbones))
    lines["missing"] = "no result"
    lines.loc[no_backbone, "missing"] = "study has no such backbone"
    lines.loc[lines["value"].notna(), "missing"] = ""
    return lines[COLUMNS]


def missing_notes(config: Configuration, lines: pd.DataFrame) -> list[str]:
    """Return a sentence for each reason why `table_numbers` lacks numbers, naming what it lacks."""
    if lines.empty:
        return [f"Study {config.name} has none of the candidates that are shown here."]
    notes = []
    absent = lines.loc[lines["missing"] == "study has no such backbone", "backbone"]
    if len(absent):
        notes.append(f"Not in study {config.name}: {', '.join(absent.str.upper().unique())}.")
    for (candidates, measure), group in lines[lines["missing"] == "no result"].groupby(
        ["candidates", "measure"], sort=False
    ):
        rows = ", ".join(group["row"])
        title = config.study.candidates_title(candidates)
        notes.append(f"No result yet, {title}, {paper_name(measure)}: {rows}.")
    return notes


def _of_measured_cells(config: Configuration, name: str) -> pd.DataFrame:
    """The tidy lines of those cells of a table that are measured in every seed."""
    layout, whole = Layout(config.name), config.tables[name]
    parts = [pd.DataFrame(columns=COLUMNS[:-1])]
    for candidates in plan.shown_candidates(config, whole):
        values = {}
        for cell in plan.cells(config, whole):
            paths = [layout.cell(*cell, seed) / "per_query.csv" for seed in config.study.seeds]
            if cell[0] == candidates and all(path.exists() for path in paths):
                values[cell] = average_over_seeds([read_per_query(path) for path in paths])
        rows = [row for row in whole.rows if (candidates, row.backbone, row.recipe) in values]
        if rows:
            table = whole.model_copy(update={"rows": rows})
            parts.append(tidy_table(name, table, values, [candidates], len(config.study.seeds), None))
    return pd.concat(parts)
