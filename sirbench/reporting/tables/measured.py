"""What of a table is measured: its numbers, and where there are none, the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.evaluation.measures import read_per_query
from sirbench.evaluation.significance import average_over_seeds
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.reporting.tables.published import PUBLISHED, read_published
from sirbench.reporting.tables.tidy import COLUMNS as TIDY_COLUMNS
from sirbench.reporting.tables.tidy import PerQuery, tidy_table

if TYPE_CHECKING:
    from sirbench.config import Configuration

KEYS = ["row", "backbone", "recipe", "candidates", "measure"]
NO_RESULT, NO_BACKBONE = "no result", "no such backbone in the study"
COLUMNS = [*KEYS, "value", "ci_low", "ci_high", "seeds", "queries", "published", "missing"]


def table_files(config: Configuration, name: str) -> list[Path]:
    """Return the CSV of a table, or nothing where the study has none of the table's cells."""
    return [Layout(config.name).table(name)] if plan.cells(config, config.tables[name]) else []


def table_numbers(config: Configuration, name: str, measures: Sequence[str]) -> pd.DataFrame:
    """Return a line for each row x candidates x measure of a table, in its order, with `COLUMNS`.

    The numbers are those of the table's CSV. Where a cell has begun and is not measured, a CSV is missing or
    of the time before, and they are worked out for the other cells. `missing` says why a line has no value,
    and is "" where it has.
    """
    table, study = config.tables[name], config.study
    path = Layout(config.name).table(name)
    begun = [
        (cell, seed)
        for cell in plan.cells(config, table)
        for seed in study.seeds
        if Layout(config.name).cell(*cell, seed).exists()
    ]
    if path.exists() and all(is_measured(config, *cell) for cell in begun):
        known = pd.read_csv(path)
    else:
        known = measured_lines(config, name, measured_values(config, name))
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


def is_measured(config: Configuration, cell: tuple[str, str, str], seed: int) -> bool:
    """Whether a cell's values are there, of a model that was trained as study and recipe now have it.

    When a recipe has changed and the new training failed, Snakemake leaves the measures of the old model.
    """
    folder = Layout(config.name).cell(*cell, seed)
    record = folder / "provenance.json"
    if not record.exists() or not (folder / "per_query.csv").exists():
        return False
    made = json.loads(record.read_text(encoding="utf-8"))
    wanted = plan.made_as(plan.plan(config.recipes[cell[2]], config.study), config.study)
    return all(made.get(key) == value for key, value in json.loads(json.dumps(wanted)).items())


def measured_values(config: Configuration, name: str) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Return the per-query values, averaged over seeds, of a table's cells measured in every seed."""
    values = {}
    for cell in plan.cells(config, config.tables[name]):
        if all(is_measured(config, cell, seed) for seed in config.study.seeds):
            paths = [Layout(config.name).cell(*cell, seed) / "per_query.csv" for seed in config.study.seeds]
            values[cell] = average_over_seeds([read_per_query(path) for path in paths])
    return values


def measured_lines(config: Configuration, name: str, values: PerQuery) -> pd.DataFrame:
    """Return the tidy lines of a table's cells that have values; candidates may differ in their rows."""
    whole, seeds = config.tables[name], len(config.study.seeds)
    published = read_published(PUBLISHED) if config.study.comparable else None
    parts = [pd.DataFrame(columns=TIDY_COLUMNS)]
    for candidates in plan.shown_candidates(config, whole):
        rows = [row for row in whole.rows if (candidates, row.backbone, row.recipe) in values]
        if rows:
            table = whole.model_copy(update={"rows": rows})
            parts.append(tidy_table(name, table, values, [candidates], seeds, published))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
