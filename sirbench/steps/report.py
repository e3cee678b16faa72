"""Verb `report`: one HTML page of what was run and what came out, from whatever there is so far."""

from pathlib import Path

from sirbench.config import Configuration
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.page.contents import Shown, contents
from sirbench.reporting.page.rendering import render
from sirbench.reporting.tables.measured import measured_lines, measured_values
from sirbench.steps.table import arrange, first_stages


def make_report(config: Configuration) -> None:
    """Write the report of a study: finished, half finished, or failed."""
    html = render(contents(config, show_table=_table))
    with atomic_file(Layout(config.name).report) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _table(config: Configuration, name: str) -> Shown:
    """What there is of a table, and sentences that name the rest."""
    return (_cells if config.tables[name].of == "cells" else _first_stages)(config, name)


def _cells(config: Configuration, name: str) -> Shown:
    whole = config.tables[name]
    rows, left_out = plan.shown_rows(config, whole)
    values = measured_values(config, name)
    tidy = measured_lines(config, name, values)
    if tidy.empty:
        return None, []
    measured = set(tidy[["backbone", "recipe"]].itertuples(index=False, name=None))
    table = whole.model_copy(update={"rows": [row for row in rows if (row.backbone, row.recipe) in measured]})
    missing = [
        f"Not measured on {config.study.candidates_title(it)} candidates: {labels}."
        for it in plan.shown_candidates(config, whole)
        if (labels := "; ".join(row.label for row in rows if (it, row.backbone, row.recipe) not in values))
    ]
    return arrange(config, table, tidy, values, left_out), missing


def _first_stages(config: Configuration, name: str) -> Shown:
    layout, table = Layout(config.name), config.tables[name]
    shown = plan.shown_candidates(config, table)
    candidates = plan.measured_candidates(config, table)
    measured = [it for it in candidates if _has(layout.first_stage(it), table.measures)]
    if not set(measured) & set(shown):
        return None, []
    missing = "; ".join(config.study.candidates_title(it) for it in shown if it not in measured)
    return first_stages(config, name, measured)[1], [f"Not measured: {missing}."] if missing else []


def _has(path: Path, measures: list[str]) -> bool:
    """Whether a file of per-query values is there, and from after the measures were asked for."""
    return path.exists() and set(measures) <= set(read_per_query(path).columns)
