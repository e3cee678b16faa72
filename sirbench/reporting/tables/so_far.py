"""What there is of a table so far, and sentences that name the rest: for reports of unfinished studies."""

from pathlib import Path

from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.reporting.tables.depths import depth_lines, missing_runs, present_depths
from sirbench.reporting.tables.measured import measured_values
from sirbench.reporting.tables.of_study import arrange, candidates_table, cells_lines
from sirbench.reporting.tables.presentation import Presentation
from sirbench.reporting.tables.study_notes import with_study_notes
from sirbench.study import HOME

SoFar = tuple[Presentation | None, list[str]]


def table_so_far(config: Configuration, name: str) -> SoFar:
    """The part of a table that is measured, None where nothing is, and what is missing."""
    part_of = {"candidates": _candidates, "depths": _depths}.get(config.tables[name].of, _cells)
    shown, missing = part_of(config, name)
    return (with_study_notes(config, shown) if shown else None), missing


def _cells(config: Configuration, name: str) -> SoFar:
    table, values = config.tables[name], measured_values(config, name)
    tidy = cells_lines(config, name, values)
    if tidy.empty:
        return None, []
    missing = []
    for on, candidates in needs.columns(config, table):
        wanted = {
            row.label: needs.condition_of_row(config, row, (on, candidates))
            for row in needs.shown_rows(config, table)[0]
        }
        if labels := "; ".join(label for label, one in wanted.items() if one not in values):
            of = "" if on == HOME else f" of {config.study.queries_title(on)}"
            title = config.study.candidates_title(candidates)
            missing.append(f"Not measured on {title} candidates{of}: {labels}.")
    return arrange(config, name, tidy, values), missing


def _depths(config: Configuration, name: str) -> SoFar:
    tidy = depth_lines(config, name)
    lacking = ", ".join(one.name for one in missing_runs(config, name))
    missing = [f"Not re-ranked: {lacking}."] if lacking else []
    return (None, []) if tidy.empty else (present_depths(config, name, tidy), missing)


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
