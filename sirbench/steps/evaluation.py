"""Verbs `evaluate` and `evaluate-candidates`: per-query measures of a cell, or of candidates as they are."""

import shutil
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sirbench.data import collections
from sirbench.data.runs import read_run
from sirbench.evaluation.measures import per_query, write_per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Evaluation
from sirbench.jobs.folds import queries_of_fold
from sirbench.jobs.held_out import check_validation
from sirbench.jobs.tuning import measures


def evaluate_cell(config: Configuration, cell: Cell) -> None:
    """Measure a cell's run; with that the cell is finished, and its checkpoint goes.

    Where training has diverged there is nothing to measure: the file has a head and no lines.
    """
    if cell.diverged:
        write_nothing(config, cell.per_query)
    else:
        _evaluate(config, cell.run, cell.per_query, needs.measures(config), of=queries_of_fold(cell))
    shutil.rmtree(cell.checkpoint, ignore_errors=True)


def evaluate_further(config: Configuration, evaluation: Evaluation) -> None:
    """Measure a cell's run of other candidates, or of a further set of queries."""
    if evaluation.cell.diverged:
        write_nothing(config, evaluation.per_query)
    else:
        at = config.at(evaluation.on)
        _evaluate(at, evaluation.run, evaluation.per_query, needs.measures(config))


def evaluate_validation(config: Configuration, cell: Cell) -> None:
    """Measure a cell's run of the validation queries; with that a cell of a grid is finished."""
    check_validation(config)
    if cell.diverged:
        write_nothing(config, cell.validation_per_query)
    else:
        run, output, of = cell.validation_run, cell.validation_per_query, queries_of_fold(cell)
        _evaluate(config, run, output, measures(config), "validation", of)
    if cell.recipe not in config.recipes:
        shutil.rmtree(cell.checkpoint, ignore_errors=True)


def write_nothing(config: Configuration, output: Path) -> None:
    """Write the measures of a model that there is not: a head and no lines."""
    write_per_query(pd.DataFrame(columns=needs.measures(config)).rename_axis("query_id"), output)


def evaluate_candidates(config: Configuration, candidates: str) -> None:
    """Measure the dev candidates as they are; re-ranking changes no recall at their depth."""
    layout = config.layout
    run, output = layout.candidates(candidates, "dev"), layout.candidates_per_query(candidates)
    _evaluate(config, run, output, needs.candidates_measures(config))


def _evaluate(
    config: Configuration,
    run: Path,
    output: Path,
    asked: list[str],
    split: str = "dev",
    of: Collection[str] | None = None,
) -> None:
    """Measure a run of a split's queries, or of some of them."""
    layout = config.layout
    queries = [it for it in collections.load_queries(layout.queries(split)) if of is None or it in of]
    qrels = collections.load_qrels(layout.qrels(split))
    write_per_query(per_query(read_run(run), qrels, queries, asked), output)
