"""Verb `findings`: the page of findings, with the numbers of a study's results."""

from pathlib import Path

from sirbench.jobs.configuration import Configuration
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.findings import render_findings

TEMPLATE = Path("docs/findings.md.j2")


def make_findings(config: Configuration, template: Path = TEMPLATE) -> Path:
    """Write the page beside its template; return its path."""
    text = render_findings(config.name, template)
    page = template.with_suffix("")
    with atomic_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return page
