"""Which parts of a table have results, and its numbers from those; where it has none, the reason."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sirbench.evaluation.claims.measured import Trainings
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.cost import recipe_pairs
from sirbench.jobs.folders import Cell, Condition, Evaluation
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.machine.provenance import read_provenance
from sirbench.reporting.tables.heads import candidates_head
from sirbench.reporting.tables.published import PUBLISHED, read_published
from sirbench.reporting.tables.tidy import COLUMNS as TIDY_COLUMNS
from sirbench.reporting.tables.tidy import PerQuery, Places, tidy_table
from sirbench.study import Row, Table

KEYS = ["row", "backbone", "recipe", "negatives", "candidates", "measure"]
NO_RESULT, NO_BACKBONE = "no result", "no such backbone in the study"
DIVERGED, NO_BASELINE = "diverged", "no baseline"
COLUMNS = [it for it in TIDY_COLUMNS if it != "table"] + ["missing"]


def is_measured(config: Configuration, one: Cell | Evaluation) -> bool:
    """Whether the values of a cell, or of it on other candidates or queries, are there, and its model is as
    study and recipe now have it.

    A training that diverged is measured: that it gave no model is its result. When a recipe has changed and
    the new training failed, Snakemake leaves the measures of the old model.
    """
    if not one.per_query.exists():
        return False
    return is_trained(config, one.cell if isinstance(one, Evaluation) else one)


def is_trained(config: Configuration, cell: Cell) -> bool:
    """Whether a cell has a model, or has diverged, as study and recipe now have it."""
    if not cell.provenance.exists():
        return False
    made = read_provenance(cell.provenance)
    wanted = json.loads(json.dumps(made_as(job_of_cell(config, cell), config.study)))
    return all(made.get(key) == value for key, value in wanted.items())


def read_trainings(config: Configuration, condition: Condition) -> Trainings:
    """What all seeds of a condition gave; each is measured."""
    return trainings(config, condition, lambda one: read_per_query(one.per_query))


def trainings(
    config: Configuration, condition: Condition, read: Callable[[Evaluation], pd.DataFrame]
) -> Trainings:
    """What all seeds of a condition gave, by reading each.

    A cell whose training diverged says so in its provenance, under "diverged", and has no values.
    """
    every = {seed: condition.evaluation(seed) for seed in config.seeds(condition.recipe)}
    diverged = {seed: why.rstrip(".") for seed, one in every.items() if (why := one.cell.diverged)}
    values = {seed: read(one) for seed, one in every.items() if seed not in diverged}
    return Trainings(condition.name, values, diverged)


def measured_values(config: Configuration, name: str) -> PerQuery:
    """What was measured of a table's conditions that are measured in every seed."""
    return {
        condition: read_trainings(config, condition)
        for condition in needs.conditions(config, config.tables[name])
        if all(is_measured(config, condition.evaluation(it)) for it in config.seeds(condition.recipe))
    }


def measured_lines(config: Configuration, name: str, values: PerQuery) -> pd.DataFrame:
    """The tidy lines of a table about the conditions that have values; none where none of them has."""
    table, study = config.tables[name], config.study
    places = [place for place in _places(config, table) if place[1] in values]
    if not places:
        return pd.DataFrame(columns=TIDY_COLUMNS)
    published = read_published(PUBLISHED) if study.comparable else None
    lines = tidy_table(name, table, places, values, published)
    readings = {name: str(getattr(recipe, "cpr", "")) for name, recipe in config.recipes.items()}
    pairs = {name: recipe_pairs(config, name, 1).forwards for name in set(lines["recipe"])}
    return lines.assign(cpr=lines["recipe"].map(readings), pairs=lines["recipe"].map(pairs))


def table_numbers(config: Configuration, name: str, measures: Sequence[str]) -> pd.DataFrame:
    """A line for each row x candidates x measure of a table, in its order, with `COLUMNS`.

    The numbers are those of the table's CSV. Where a cell has begun and is not measured, a CSV is missing or
    older than the cell, and the numbers are worked out for the other cells. `missing` says why a line has no
    value, or no gain though it has a baseline, and is "" where it lacks nothing.
    """
    table, path = config.tables[name], Layout(config.name).table(name)
    begun = [one for one in needs.evaluations(config, table) if one.cell.folder.exists()]
    known = _read_table(path) if path.exists() else pd.DataFrame()
    if not set(TIDY_COLUMNS) <= set(known) or not all(is_measured(config, one) for one in begun):
        known = measured_lines(config, name, measured_values(config, name))
    wanted = pd.DataFrame(
        [
            (
                row.label,
                one.backbone,
                one.recipe,
                one.negatives,
                one.candidates,
                measure,
                _baseline(table, row),
            )
            for row, one in _places(config, table)
            for measure in measures
        ],
        columns=[*KEYS, "baseline"],
    )
    known = known.assign(negatives=known["negatives"].astype("object").fillna(""))
    lines = wanted.merge(known.drop(columns=["table", "baseline"]), how="left", on=KEYS)
    texts = ["on", "cpr", "gain_over", "gain_of_seeds", "verdict", "diverged"]
    lines[texts] = lines[texts].astype("object").fillna("").astype("str")
    numbers = [it for it in COLUMNS if it in lines and it not in [*KEYS, *texts, "baseline", "dagger"]]
    lines[numbers] = lines[numbers].astype("float64")
    return lines.assign(missing=[_why_missing(config, line) for line in lines.itertuples()])[COLUMNS]


def _read_table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path}: not a table ({error}); delete it and make it again") from error
    # Tables of an older form have no `negatives`, and are worked out anew.
    needed = [it for it in (*KEYS, "value") if it != "negatives"]
    if lacking := [column for column in needed if column not in table]:
        raise InputError(f"{path}: lacks the column {lacking[0]}; delete it and make it again")
    return table


def missing_notes(config: Configuration, lines: pd.DataFrame) -> list[str]:
    """A sentence for each reason why `table_numbers` lacks numbers, naming what it lacks."""
    if lines.empty:
        return [f"Study {config.name} has none of the candidates that are shown here."]
    notes = []
    if len(absent := lines.loc[lines["missing"] == NO_BACKBONE, "backbone"].unique()):
        notes.append(f"Not in study {config.name}: {', '.join(absent).upper()}.")
    for candidates, group in lines[lines["missing"] == NO_RESULT].groupby("candidates", sort=False):
        rows = ", ".join(group["row"].unique())
        notes.append(f"No result on {config.study.candidates_title(str(candidates))} candidates: {rows}.")
    return notes


def column_titles(config: Configuration, lines: pd.DataFrame) -> pd.Series:
    """What tables call the candidates of each line, e.g. HDCT Top 100."""
    heads = {it: candidates_head(config, it) for it in lines["candidates"].unique().tolist()}
    return lines["candidates"].map(heads).astype(object)  # no lines map to numbers otherwise


def _baseline(table: Table, row: Row) -> str:
    """The recipe that a row's gain is over, as the tidy table names it: nothing where that is its own."""
    return "" if row.recipe == table.baseline_of(row) else table.baseline_of(row)


def _why_missing(config: Configuration, line: Any) -> str:
    if line.backbone not in config.study.backbones:
        return NO_BACKBONE
    if pd.isna(line.value):
        return DIVERGED if line.diverged else NO_RESULT
    return NO_BASELINE if line.baseline and pd.isna(line.gain) else ""


def _places(config: Configuration, table: Table) -> Places:
    """Every row of a table with each of its candidates, in order, the study having its backbone or not."""
    return [
        (row, needs.condition_of_row(config, row, column))
        for row in table.rows
        for column in needs.columns(config, table)
    ]
