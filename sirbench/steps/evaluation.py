"""Verbs `evaluate` and `evaluate-candidates`: per-query measures of a cell, or of candidates as they are."""

import shutil
from pathlib import Path

import pandas as pd

from sirbench.data import collections
from sirbench.data.runs import read_run
from sirbench.evaluation.measures import per_query, write_per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Evaluation
from sirbench.jobs.held_out import check_validation
from sirbench.jobs.tuning import measures


def evaluate_cell(config: Configuration, cell: Cell) -> None:
    """Measure a cell's run; with that the cell is finished, and its checkpoint goes.

    Where training has diverged there is nothing to measure: the file has a head and no lines.
    """
    if cell.diverged:
        _write_nothing(config, cell.per_query)
    else:
        _evaluate(config, cell.run, cell.per_query, needs.measures(config))
    shutil.rmtree(cell.checkpoint, ignore_errors=True)


def evaluate_further(config: Configuration, evaluation: Evaluation) -> None:
    """Measure a cell's run of other candidates, or of a further set of queries."""
    if evaluation.cell.diverged:
        _write_nothing(config, evaluation.per_query)
    else:
        at = config.at(evaluation.on)
        _evaluate(at, evaluation.run, evaluation.per_query, needs.measures(config))


def evaluate_validation(config: Configuration, cell: Cell) -> None:
    """Measure a cell's run of the validation queries; with that a cell of a grid is finished."""
    check_validation(config)
    if cell.diverged:
        _write_nothing(config, cell.validation_per_query)
    else:
        _evaluate(config, cell.validation_run, cell.validation_per_query, measures(config), "validation")
    if cell.recipe not in config.recipes:
        shutil.rmtree(cell.checkpoint, ignore_errors=True)


def _write_nothing(config: Configuration, output: Path) -> None:
    write_per_query(pd.DataFrame(columns=needs.measures(config)).rename_axis("query_id"), output)


def evaluate_candidates(config: Configuration, candidates: str) -> None:
    """Measure the dev candidates as they are; re-ranking changes no recall at their depth."""
    layout = config.layout
    run, output = layout.candidates(candidates, "dev"), layout.candidates_per_query(candidates)
    _evaluate(config, run, output, needs.candidates_measures(config))


def _evaluate(config: Configuration, run: Path, output: Path, asked: list[str], split: str = "dev") -> None:
    layout = config.layout
    queries = list(collections.load_queries(layout.queries(split)))
    qrels = collections.load_qrels(layout.qrels(split))
    write_per_query(per_query(read_run(run), qrels, queries, asked), output)
