"""Verb `table`: a table of the study as tidy CSV, and printed in Markdown and LaTeX."""

from pathlib import Path

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.tables import latex, markdown
from sirbench.reporting.tables.of_study import whole_table
from sirbench.reporting.tables.study_notes import with_study_notes


def make_table(config: Configuration, name: str) -> None:
    """Write `name` as csv, md and tex from the per-query values of its cells or candidates."""
    layout = Layout(config.name)
    tidy, shown = whole_table(config, name)
    shown = with_study_notes(config, shown)
    _write(layout.table(name, "md"), markdown.render(shown))
    _write(layout.table(name, "tex"), latex.render(shown))
    _write(layout.table(name), tidy.to_csv(index=False, lineterminator="\n"))


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
