"""What there is of a table so far, and sentences that name the rest: for reports of unfinished studies."""

from pathlib import Path

from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Condition
from sirbench.jobs.layout import Layout
from sirbench.reporting.tables.collection_notes import with_collection_notes
from sirbench.reporting.tables.measured import measured_lines, measured_values
from sirbench.reporting.tables.of_study import arrange, candidates_table
from sirbench.reporting.tables.presentation import Presentation

SoFar = tuple[Presentation | None, list[str]]


def table_so_far(config: Configuration, name: str) -> SoFar:
    """The part of a table that is measured, None where nothing is, and what is missing."""
    shown, missing = (_cells if config.tables[name].of == "cells" else _candidates)(config, name)
    return (with_collection_notes(config, shown) if shown else None), missing


def _cells(config: Configuration, name: str) -> SoFar:
    table, values = config.tables[name], measured_values(config, name)
    tidy = measured_lines(config, name, values)
    if tidy.empty:
        return None, []
    missing = []
    for candidates in needs.shown_candidates(config, table):
        wanted = {
            row.label: Condition(config.name, candidates, row.backbone, row.recipe)
            for row in needs.shown_rows(config, table)[0]
        }
        if labels := "; ".join(label for label, one in wanted.items() if one not in values):
            missing.append(
                f"Not measured on {config.study.candidates_title(candidates)} candidates: {labels}."
            )
    return arrange(config, name, tidy, values), missing


def _candidates(config: Configuration, name: str) -> SoFar:
    layout, table = Layout(config.name), config.tables[name]
    shown = needs.shown_candidates(config, table)
    wanted = needs.measured_candidates(config, table)
    measured = [it for it in wanted if _has(layout.candidates_per_query(it), table.measures)]
    if not set(measured) & set(shown):
        return None, []
    missing = "; ".join(config.study.candidates_title(it) for it in shown if it not in measured)
    return candidates_table(config, name, measured)[1], [f"Not measured: {missing}."] if missing else []


def _has(path: Path, measures: list[str]) -> bool:
    """Whether a file of per-query values is there, and was made after the measures were asked for."""
    return path.exists() and set(measures) <= set(read_per_query(path).columns)
