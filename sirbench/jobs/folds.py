"""Folds: a cell is a model for each, trained on the queries of the others and measured on its own.

What knows of folds are the trainings, what scores and measures with their models, and what pools them again
(`sirbench.steps.pooling`). A cell's pooled measures are where any cell has its own, so nothing else does.
"""

from dataclasses import replace
from pathlib import Path

from sirbench.data.query_split import read_folds
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Compressor
from sirbench.jobs.layout import Layout


def trained_cells(config: Configuration, cell: Cell) -> list[Cell]:
    """The cells that are trained for one: a cell for each fold, or itself where the study has no folds."""
    return [replace(cell, fold=fold) for fold in config.study.collection.folds] or [cell]


def folds_input(config: Configuration) -> dict[str, Path]:
    """The file that says which query is in which fold, as an input of a job; none without folds."""
    return {"folds": Layout(config.name).folds} if config.study.collection.folds else {}


def queries_of_fold(trained: Cell | Compressor) -> set[str] | None:
    """The ids of the queries that a model was not trained on and is measured on; None: it has no fold."""
    if trained.fold is None:
        return None
    fold = read_folds(Layout(trained.study).folds)
    return {query_id for query_id, number in fold.items() if number == trained.fold}
