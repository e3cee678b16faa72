"""What the report of a study shows: its facts, then its sections in order, from whatever there is so far."""

import io
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.claims.of_study import judged_claims
from sirbench.reporting.claims.printed import present_claims
from sirbench.reporting.figures import draw
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.page.curves import Card, card
from sirbench.reporting.page.ran import Ran, everything, summary
from sirbench.reporting.tables.heads import candidates_head
from sirbench.reporting.tables.presentation import DEMONSTRATION, Presentation
from sirbench.reporting.tables.so_far import table_so_far


class Part(NamedTuple):
    """A table or a figure: what there is of it, what is missing, and its files by their endings."""

    name: str
    title: str
    content: object
    missing: list[str]
    files: dict[str, str]


class Picture(NamedTuple):
    """A drawn figure, and its width in print."""

    svg: bytes
    caption: str
    inches: float


class Section(NamedTuple):
    """A section: its heading, the file of templates/ that lays it out, and what that file reads."""

    title: str
    template: str
    content: object


class Page(NamedTuple):
    """Everything that the page shows; all strings are plain text, not yet escaped."""

    title: str
    warning: str
    facts: dict[str, str]
    sections: list[Section]


Shown = tuple[Presentation | Picture | None, list[str]]
"""What there is of a table or a figure, and sentences on what is missing."""
Show = Callable[[Configuration, str], Shown]


def contents(config: Configuration) -> Page:
    """What the page of a study shows."""
    layout, jobs = Layout(config.name), everything(config)
    tables = [
        _part(config, name, table.title, table_so_far, layout.table, ("csv", "md", "tex"))
        for name, table in sorted(config.tables.items(), key=lambda item: item[1].paper or inf)
    ]
    figures = [
        _part(config, name, figure.title, _draw, layout.figure, ("pdf", "png", "svg", "csv"))
        for name, figure in config.figures.items()
    ]
    return Page(
        title=f"Study {config.study.title}",
        warning=DEMONSTRATION if config.study.demonstration else "",
        facts=_facts(config, jobs),
        sections=[
            Section("Claims", "tables", _claims(config)),
            Section("Tables", "tables", tables),
            Section("Figures", "figures", figures),
            Section("Training curves", "curves", _curves(jobs)),
            Section("What did not run", "unfinished", _unfinished(jobs)),
            Section("How it came about", "workflow", layout.workflow_report.name),
        ],
    )


def _claims(config: Configuration) -> list[Part]:
    """A part per family of claims, the paper's own first; the reason where they cannot be judged."""
    layout, endings = Layout(config.name), ("csv", "md", "tex")
    try:
        lines, missing = judged_claims(config), []
    except InputError as error:
        lines, missing = pd.DataFrame({"family": []}), [f"Not judged: {error}"]
    files = {it: os.path.relpath(path, layout.root) for it in endings if (path := layout.claims(it)).exists()}
    judged = {str(name): of for name, of in lines.groupby("family", sort=False)}
    if not judged:
        return [Part("claims", "no verdicts yet", None, missing, files)]
    return [
        Part(name, config.claims[name].title, present_claims(config, name, of), missing, files)
        for name, of in judged.items()
    ]


def _facts(config: Configuration, jobs: Sequence[Ran]) -> dict[str, str]:
    study = config.study
    candidates = [candidates_head(config, name) for name in study.candidates]
    return {
        "Study": f"{config.name} (config/studies/{config.name}.yaml)",
        "Collection": f"{study.collection.train}, {study.collection.dev}",
        "Candidates": ", ".join(candidates),
        "Backbones": ", ".join(study.backbones),
        "Seeds": ", ".join(map(str, study.seeds)),
        "Training jobs": f"{sum(job.done for job in jobs)} of {len(jobs)} done",
        **summary(jobs),
        "Report written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _part(
    config: Configuration,
    name: str,
    title: str,
    show: Show,
    file_of: Callable[[str, str], Path],
    endings: Sequence[str],
) -> Part:
    """A table or figure; the reason where it cannot be shown, which takes no other with it."""
    try:
        content, missing = show(config, name)
    except InputError as error:
        content, missing = None, [f"Not shown: {error}"]
    files = {it: path for it in endings if (path := file_of(name, it)).exists()}
    root = Layout(config.name).root
    return Part(name, title, content, missing, {it: os.path.relpath(files[it], root) for it in files})


def _draw(config: Configuration, name: str) -> Shown:
    """The figure as it is drawn from what there is now, which a file of it need not show."""
    figure, svg = config.figures[name], io.BytesIO()
    with style.applied():
        draw(config, name).canvas.savefig(svg, format="svg")
    return Picture(svg.getvalue(), figure.caption, style.WIDTHS[figure.width]), []


def _curves(jobs: Sequence[Ran]) -> list[Card]:
    """A card for each training that has losses, with a curve for each seed."""
    losses: dict[str, dict[str, list[float]]] = {}
    for job in jobs:
        if values := job.losses():
            losses.setdefault(job.title, {})[f"seed {job.seed}"] = values
    return [card(title, of) for title, of in losses.items()]


def _unfinished(jobs: Sequence[Ran]) -> dict[tuple[str, str], list[int]]:
    """(title, state) of every job that has no result, with its seeds in that state."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for job in jobs:
        if job.state != "done":
            seeds.setdefault((job.title, job.state), []).append(job.seed)
    return seeds
