"""Step `table`: a table of the study as tidy CSV, and printed in Markdown and LaTeX."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sirbench.config import Configuration
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.reporting.tables import latex, markdown
from sirbench.reporting.tables.first_stages import present_first_stages, tidy_first_stages
from sirbench.reporting.tables.measured import measured_values
from sirbench.reporting.tables.presentation import Presentation, present
from sirbench.reporting.tables.published import PUBLISHED, read_published
from sirbench.reporting.tables.tidy import PerQuery, tidy_table
from sirbench.study import Table


def make_table(config: Configuration, name: str) -> None:
    """Write `name` as csv, md and tex from the per-query values of its cells or candidates."""
    layout, table = Layout(config.name), config.tables[name]
    if not plan.shows_something(config, table):
        raise InputError(
            f"table {name}: study {config.name} has no backbone, or no candidates, that it shows"
        )
    if table.of == "candidates":
        tidy, shown = first_stages(config, name, plan.measured_candidates(config, table))
    else:
        tidy, shown = _cells(config, name)
    _write(layout.table(name, "md"), markdown.render(shown))
    _write(layout.table(name, "tex"), latex.render(shown))
    _write(layout.table(name), tidy.to_csv(index=False, lineterminator="\n"))


def first_stages(
    config: Configuration, name: str, candidates: Sequence[str]
) -> tuple[pd.DataFrame, Presentation]:
    """A table of candidates, tidy and as printed, from those of them that are measured: `candidates`."""
    layout, study, table = Layout(config.name), config.study, config.tables[name]
    values = {it: read_per_query(layout.first_stage(it)) for it in candidates}
    shown = plan.shown_candidates(config, table)
    titles = {it: study.candidates_title(it) for it in shown if it in candidates}
    tidy = tidy_first_stages(name, table, values, titles)
    return tidy, present_first_stages(tidy, table, values, study.depth, study.demonstration)


def _cells(config: Configuration, name: str) -> tuple[pd.DataFrame, Presentation]:
    study, whole = config.study, config.tables[name]
    rows, left_out = plan.shown_rows(config, whole)
    candidates = plan.shown_candidates(config, whole)
    table = whole.model_copy(update={"rows": rows})
    values = measured_values(config, name)
    if missing := ["/".join(cell) for cell in plan.cells(config, table) if cell not in values]:
        raise InputError(
            f"table {name}: not measured, or not as study and recipes now are: {', '.join(missing)}; "
            f"`snakemake {name} --config study={config.name}` measures them"
        )
    published = read_published(PUBLISHED) if study.comparable else None
    tidy = tidy_table(name, table, values, candidates, len(study.seeds), published)
    return tidy, arrange(config, table, tidy, values, left_out)


def arrange(
    config: Configuration, table: Table, tidy: pd.DataFrame, values: PerQuery, left_out: list[str]
) -> Presentation:
    """A table in the paper's shape, with the candidates that `tidy` has any line of.

    `left_out` are the rows that the study has no backbone for.
    """
    layout, study = Layout(config.name), config.study
    candidates = [name for name in plan.shown_candidates(config, table) if name in set(tidy["candidates"])]
    measures = list(dict.fromkeys([*plan.measures(config), plan.recall(study)]))
    return present(
        tidy,
        table,
        values,
        groups={name: f"{study.candidates_title(name)} Top {study.depth}" for name in candidates},
        first_stage={
            name: _means(layout.first_stage(name), measures)
            for name in candidates
            if layout.first_stage(name).exists()
        },
        left_out=left_out,
        demonstration=study.demonstration,
    )


def _means(path: Path, measures: list[str]) -> dict[str, float]:
    values = read_per_query(path)
    return values[[measure for measure in measures if measure in values]].mean().to_dict()


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
