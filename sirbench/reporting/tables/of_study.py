"""A table of a study, tidy and as printed, from the per-query files of its cells or candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from sirbench.evaluation.claims.measured import Trainings
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Condition
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.tables import depths
from sirbench.reporting.tables.first_stages import present_first_stages, tidy_first_stages
from sirbench.reporting.tables.heads import candidates_head
from sirbench.reporting.tables.measured import measured_lines, measured_values
from sirbench.reporting.tables.presentation import Line, Presentation, paper_name, with_columns
from sirbench.reporting.tables.printed import present
from sirbench.reporting.tables.reported import reported_grid, with_reported
from sirbench.reporting.tables.tidy import PerQuery
from sirbench.reporting.tables.transfer import losses_grid, with_losses
from sirbench.study import Table


def whole_table(config: Configuration, name: str) -> tuple[pd.DataFrame, Presentation]:
    """A table with everything that it shows in this study; `InputError` where any is missing."""
    table = config.tables[name]
    if not needs.shows_something(config, table):
        raise InputError(
            f"table {name}: study {config.name} has no backbone, or no candidates, that it shows"
        )
    if table.of == "candidates":
        return candidates_table(config, name, needs.measured_candidates(config, table))
    if table.of == "depths":
        if lacking := depths.missing_runs(config, name):
            raise _not_measured(config, name, [one.name for one in lacking])
        tidy = depths.depth_lines(config, name)
        return tidy, depths.present_depths(config, name, tidy)
    values = measured_values(config, name)
    if missing := [one.name for one in needs.conditions(config, table) if one not in values]:
        raise _not_measured(config, name, missing)
    tidy = cells_lines(config, name, values)
    return tidy, arrange(config, name, tidy, values)


def cells_lines(config: Configuration, name: str, values: PerQuery) -> pd.DataFrame:
    """The tidy lines of a table of cells or of transfer, about the conditions that have values."""
    table, tidy = config.tables[name], measured_lines(config, name, values)
    return with_losses(config, table, tidy, values) if table.of == "transfer" and len(tidy) else tidy


def _not_measured(config: Configuration, name: str, missing: Sequence[str]) -> InputError:
    return InputError(
        f"table {name}: not measured, or not as study and recipes now are: {', '.join(missing)}; "
        f"`snakemake {name} --config study={config.name}` measures them"
    )


def candidates_table(
    config: Configuration, name: str, measured: Sequence[str]
) -> tuple[pd.DataFrame, Presentation]:
    """A table of candidates, from those of them that are measured."""
    layout, study, table = Layout(config.name), config.study, config.tables[name]
    values = {it: Trainings(it, {1: read_per_query(layout.candidates_per_query(it))}) for it in measured}
    shown = [it for it in needs.shown_candidates(config, table) if it in values]
    tidy = tidy_first_stages(name, table, values, {it: study.candidates_title(it) for it in shown})
    return tidy, present_first_stages(tidy, table, study.depth, study.demonstration)


def arrange(config: Configuration, name: str, tidy: pd.DataFrame, values: PerQuery) -> Presentation:
    """A table of cells in the paper's shape, with the rows and candidates that `tidy` has any line of.

    `tidy` is what `cells_lines` made of `values`, one line or more.
    """
    study, table = config.study, config.tables[name]
    measured = set(tidy[["row", "backbone", "recipe"]].itertuples(index=False, name=None))
    rows, left_out = needs.shown_rows(config, table)
    rows = [row for row in rows if (row.label, row.backbone, row.recipe) in measured]
    has_lines = set(with_columns(tidy)["column"])
    columns = {
        condition.column: condition
        for column in needs.columns(config, table)
        if (condition := needs.condition_of_row(config, table.rows[0], column)).column in has_lines
    }
    groups = {name: _head(config, table, it) for name, it in columns.items()}
    as_they_are = _candidates(config, list(columns.values()))
    shown = present(
        tidy,
        table.model_copy(update={"rows": rows}),
        values,
        groups=groups,
        first_stage=_means(config, as_they_are, columns),
        left_out=left_out,
        demonstration=study.demonstration,
        claimed=bool(needs.claimed_conditions(config)),
    )
    if table.of != "transfer":
        return shown

    def head(line: Line) -> str:
        return f"{groups[line.column]}, {paper_name(line.measure)}"

    losses = losses_grid(tidy, as_they_are, head)
    means = [
        (one.on, one.candidates, measure, value)
        for column, one in columns.items()
        for measure, value in as_they_are.get(column, pd.DataFrame()).mean().items()
    ]
    first_stage = pd.DataFrame(means, columns=["on", "candidates", "measure", "first_stage_value"])
    reported = reported_grid(with_reported(config, with_columns(tidy), first_stage), head)
    return replace(shown, grids=[*shown.grids, *losses, *reported])


def _head(config: Configuration, table: Table, condition: Condition) -> str:
    """What a group of columns is called, e.g. HDCT Top 100; on a further set, with that first."""
    title = candidates_head(config.at(condition.on), condition.candidates)
    return f"{config.study.queries_title(condition.on)}: {title}" if table.of == "transfer" else title


def _candidates(config: Configuration, columns: Sequence[Condition]) -> dict[str, pd.DataFrame]:
    """The candidates of some columns as they are, by column, where these are measured."""
    paths = {it.column: config.at(it.on).layout.candidates_per_query(it.candidates) for it in columns}
    return {column: read_per_query(path) for column, path in paths.items() if path.exists()}


def _means(
    config: Configuration, as_they_are: Mapping[str, pd.DataFrame], columns: Mapping[str, Condition]
) -> dict[str, dict[str, float]]:
    """Means of the candidates as they are, by column and measure."""
    found = {}
    for column, of in as_they_are.items():
        recall = needs.recall(config.at(columns[column].on).study)
        measures = dict.fromkeys([*needs.measures(config), recall])
        found[column] = {name: float(of[name].mean()) for name in measures if name in of}
    return found
