"""Step `table`: a table of the study as tidy CSV, and printed in Markdown and LaTeX."""

from pathlib import Path

import pandas as pd

from sirbench import plan
from sirbench.atomic import atomic_file
from sirbench.config import Configuration
from sirbench.errors import InputError
from sirbench.evaluation.measures import read_per_query
from sirbench.evaluation.significance import average_over_seeds
from sirbench.layout import Layout
from sirbench.reporting import latex, markdown
from sirbench.reporting.presentation import Presentation, present
from sirbench.reporting.published import PUBLISHED, read_published
from sirbench.reporting.tables import PerQuery, tidy_table
from sirbench.study import Table


def make_table(config: Configuration, name: str) -> None:
    """Write `name` as csv, md and tex from the per-query values of its cells."""
    layout, study, whole = Layout(config.name), config.study, config.tables[name]
    rows, left_out = plan.shown_rows(config, whole)
    candidates = plan.shown_candidates(config, whole)
    if not rows or not candidates:
        raise InputError(
            f"table {name}: study {config.name} has no backbone, or no candidates, that it shows"
        )
    table = whole.model_copy(update={"rows": rows})
    values = {
        cell: average_over_seeds(
            [read_per_query(layout.cell(*cell, seed) / "per_query.csv") for seed in study.seeds]
        )
        for cell in plan.cells(config, table)
    }
    published = read_published(PUBLISHED) if study.comparable else None
    tidy = tidy_table(name, table, values, candidates, len(study.seeds), published)
    shown = arrange(config, table, tidy, values, left_out)
    _write(layout.table(name, "md"), markdown.render(shown))
    _write(layout.table(name, "tex"), latex.render(shown))
    _write(layout.table(name), tidy.to_csv(index=False, lineterminator="\n"))


def arrange(
    config: Configuration, table: Table, tidy: pd.DataFrame, values: PerQuery, left_out: list[str]
) -> Presentation:
    """A table in the paper's shape; `left_out` are the rows that the study has no backbone for."""
    layout, study = Layout(config.name), config.study
    candidates = plan.shown_candidates(config, table)
    return present(
        tidy,
        table,
        values,
        groups={name: f"{study.candidates_title(name)} Top {study.depth}" for name in candidates},
        first_stage={name: read_per_query(layout.first_stage(name)).mean().to_dict() for name in candidates},
        left_out=left_out,
        demonstration=study.demonstration,
    )


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
