"""Verb `report`: one HTML page of what was run and what came out, from whatever there is so far."""

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.page.contents import contents
from sirbench.reporting.page.rendering import render
from sirbench.reporting.run_crate import write_run_crate


def make_report(config: Configuration) -> None:
    """Write the report of a study, finished, half finished, or failed, and beside it what the files are."""
    html = render(contents(config))
    with atomic_file(Layout(config.name).report) as temporary:
        temporary.write_text(html, encoding="utf-8")
    write_run_crate(config)
