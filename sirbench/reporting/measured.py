"""A table's numbers as a figure draws them: a line for each, and where there is none, the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sirbench import plan
from sirbench.evaluation.measures import read_per_query
from sirbench.evaluation.significance import average_over_seeds
from sirbench.layout import Layout
from sirbench.reporting.published import PUBLISHED, read_published
from sirbench.reporting.tables import tidy_table

if TYPE_CHECKING:
    from sirbench.config import Configuration
    from sirbench.study import Table

KEYS = ["row", "backbone", "recipe", "candidates", "measure"]
NO_RESULT, NO_BACKBONE = "no result", "no such backbone in the study"
COLUMNS = [*KEYS, "value", "ci_low", "ci_high", "seeds", "queries", "published", "missing"]


def table_files(config: Configuration, name: str) -> list[Path]:
    """Return the CSV of a table, or nothing where the study has none of the table's cells."""
    return [Layout(config.name).table(name)] if plan.cells(config, config.tables[name]) else []


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
    lines["missing"] = NO_RESULT
    lines.loc[~lines["backbone"].isin(list(study.backbones)), "missing"] = NO_BACKBONE
    lines.loc[lines["value"].notna(), "missing"] = ""
    return lines[COLUMNS]


def missing_notes(config: Configuration, lines: pd.DataFrame) -> list[str]:
    """Return a sentence for each reason why `table_numbers` lacks numbers, naming what it lacks."""
    if lines.empty:
        return [f"Study {config.name} has none of the candidates that are shown here."]
    notes = []
    if len(absent := lines.loc[lines["missing"] == NO_BACKBONE, "backbone"].unique()):
        notes.append(f"Not in study {config.name}: {', '.join(absent).upper()}.")
    for candidates, group in lines[lines["missing"] == NO_RESULT].groupby("candidates", sort=False):
        rows = ", ".join(group["row"].unique())
        notes.append(f"No result on {config.study.candidates_title(candidates)} candidates: {rows}.")
    return notes


def column_titles(config: Configuration, lines: pd.DataFrame) -> pd.Series:
    """Return what tables call the candidates of each line, e.g. HDCT Top 100."""
    return lines["candidates"].map(config.study.candidates_title) + f" Top {config.study.depth}"


def measured_values(config: Configuration, table: Table) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Return the per-query values, averaged over seeds, of a table's cells that are there in every seed."""
    values = {}
    for cell in plan.cells(config, table):
        paths = [Layout(config.name).cell(*cell, seed) / "per_query.csv" for seed in config.study.seeds]
        if all(path.exists() for path in paths):
            values[cell] = average_over_seeds([read_per_query(path) for path in paths])
    return values


def _of_measured_cells(config: Configuration, name: str) -> pd.DataFrame:
    """The tidy lines of a table's cells that are measured, some candidates having more rows than others."""
    whole, seeds = config.tables[name], len(config.study.seeds)
    values = measured_values(config, whole)
    published = read_published(PUBLISHED) if config.study.comparable else None
    parts = [pd.DataFrame(columns=COLUMNS[:-1])]
    for candidates in plan.shown_candidates(config, whole):
        rows = [row for row in whole.rows if (candidates, row.backbone, row.recipe) in values]
        if rows:
            table = whole.model_copy(update={"rows": rows})
            parts.append(tidy_table(name, table, values, [candidates], seeds, published))
    return pd.concat(parts)
