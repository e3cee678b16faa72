"""A table of a study, tidy and as printed, from the per-query files of its cells or candidates."""

from collections.abc import Sequence

import pandas as pd

from sirbench.evaluation.claims.measured import Trainings
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.first_stages import present_first_stages, tidy_first_stages
from sirbench.reporting.tables.heads import candidates_head
from sirbench.reporting.tables.measured import measured_lines, measured_values
from sirbench.reporting.tables.presentation import Presentation
from sirbench.reporting.tables.printed import present
from sirbench.reporting.tables.tidy import PerQuery


def whole_table(config: Configuration, name: str) -> tuple[pd.DataFrame, Presentation]:
    """A table with everything that it shows in this study; `InputError` where any is missing."""
    table = config.tables[name]
    if not needs.shows_something(config, table):
        raise InputError(
            f"table {name}: study {config.name} has no backbone, or no candidates, that it shows"
        )
    if table.of == "candidates":
        return candidates_table(config, name, needs.measured_candidates(config, table))
    values = measured_values(config, name)
    if missing := [one.name for one in needs.conditions(config, table) if one not in values]:
        raise InputError(
            f"table {name}: not measured, or not as study and recipes now are: {', '.join(missing)}; "
            f"`snakemake {name} --config study={config.name}` measures them"
        )
    tidy = measured_lines(config, name, values)
    return tidy, arrange(config, name, tidy, values)


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

    `tidy` is what `measured_lines` made of `values`, one line or more.
    """
    study, table = config.study, config.tables[name]
    measured = set(tidy[["backbone", "recipe"]].itertuples(index=False, name=None))
    rows, left_out = needs.shown_rows(config, table)
    candidates = [it for it in needs.shown_candidates(config, table) if it in set(tidy["candidates"])]
    return present(
        tidy,
        table.model_copy(update={"rows": [row for row in rows if (row.backbone, row.recipe) in measured]}),
        values,
        groups={it: candidates_head(config, it) for it in candidates},
        first_stage=_first_stage_means(config, candidates),
        left_out=left_out,
        demonstration=study.demonstration,
        claimed=bool(needs.claimed_conditions(config)),
    )


def _first_stage_means(config: Configuration, candidates: Sequence[str]) -> dict[str, dict[str, float]]:
    """Means by measure of the candidates as they are, where these are measured."""
    measures = dict.fromkeys([*needs.measures(config), needs.recall(config.study)])
    paths = {it: Layout(config.name).candidates_per_query(it) for it in candidates}
    means = {it: read_per_query(path).mean() for it, path in paths.items() if path.exists()}
    return {it: {name: of[name] for name in measures if name in of} for it, of in means.items()}
