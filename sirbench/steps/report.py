"""Step `report`: one HTML page of what was run and what came out, from whatever there is so far."""

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sirbench.config import Configuration
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.page import html as page
from sirbench.reporting.page import ran
from sirbench.reporting.tables.measured import measured_lines, measured_values
from sirbench.reporting.tables.presentation import DEMONSTRATION
from sirbench.steps.figure import draw
from sirbench.steps.table import arrange, first_stages


def make_report(config: Configuration) -> None:
    """Write the report of a study: finished, half finished, or failed."""
    layout, jobs = Layout(config.name), ran.everything(config)
    sections = {
        "Tables": "\n".join(
            _part(
                *(config, name, table.title, _table if table.of == "cells" else _first_stages),
                files=[layout.table(name, ending) for ending in ("csv", "md", "tex")],
            )
            for name, table in config.tables.items()
        ),
        "Figures": "\n".join(
            _part(
                *(config, name, figure.title, _figure),
                files=[layout.figure(name, ending) for ending in ("pdf", "png", "svg", "csv")],
            )
            for name, figure in config.figures.items()
        ),
        "Training curves": _curves(jobs),
        "What did not run": _unfinished(jobs),
        "How it came about": _workflow_report(layout),
    }
    warning = page.paragraph(DEMONSTRATION, "warning") if config.study.demonstration else ""
    head = warning + page.definitions(_summary(config, jobs))
    with atomic_file(layout.report) as temporary:
        temporary.write_text(page.page(f"Study {config.study.title}", sections, head), encoding="utf-8")


def _summary(config: Configuration, jobs: list[ran.Ran]) -> dict[str, str]:
    study, done = config.study, sum(job.done for job in jobs)
    return {
        "Study": f"{config.name} (config/studies/{config.name}.yaml)",
        "Collection": f"{study.collection.train}, {study.collection.dev}",
        "Candidates": ", ".join(
            f"{study.candidates_title(name)} Top {study.depth}" for name in study.candidates
        ),
        "Backbones": ", ".join(study.backbones),
        "Seeds": ", ".join(map(str, study.seeds)),
        "Training jobs": f"{done} of {len(jobs)} done",
        **ran.summary(jobs),
        "Report written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _table(config: Configuration, name: str) -> str:
    """A table with what of its cells is measured; the others are named."""
    whole = config.tables[name]
    rows, left_out = plan.shown_rows(config, whole)
    values = measured_values(config, name)
    tidy = measured_lines(config, name, values)
    if tidy.empty:
        return page.paragraph("Nothing of this table is measured in this study.")
    measured = set(tidy[["backbone", "recipe"]].itertuples(index=False, name=None))
    table = whole.model_copy(update={"rows": [row for row in rows if (row.backbone, row.recipe) in measured]})
    notes = [
        page.paragraph(
            f"Not measured on {config.study.candidates_title(it)} candidates: {missing}.", "missing"
        )
        for it in plan.shown_candidates(config, whole)
        if (missing := ", ".join(row.label for row in rows if (it, row.backbone, row.recipe) not in values))
    ]
    return "".join(notes) + page.printed_table(arrange(config, table, tidy, values, left_out))


def _first_stages(config: Configuration, name: str) -> str:
    """A table of candidates with those that are measured; the others are named."""
    layout, table = Layout(config.name), config.tables[name]
    shown = plan.shown_candidates(config, table)
    candidates = plan.measured_candidates(config, table)
    measured = [it for it in candidates if _has(layout.first_stage(it), table.measures)]
    if not set(measured) & set(shown):
        return page.paragraph("Nothing of this table is measured in this study.")
    unmeasured = [config.study.candidates_title(it) for it in shown if it not in measured]
    note = page.paragraph(f"Not measured: {', '.join(unmeasured)}.", "missing") if unmeasured else ""
    _, printed = first_stages(config, name, measured)
    return note + page.printed_table(printed)


def _has(path: Path, measures: list[str]) -> bool:
    """Whether a file of per-query values is there, and from after the measures were asked for."""
    return path.exists() and set(measures) <= set(read_per_query(path).columns)


def _figure(config: Configuration, name: str) -> str:
    """The figure as it is drawn from what there is now, which a file of it need not show."""
    figure, svg = config.figures[name], io.BytesIO()
    with style.applied():
        draw(config, name).canvas.savefig(svg, format="svg")
    return page.picture(svg.getvalue(), figure.title, figure.caption, style.WIDTHS[figure.width])


def _part(config: Configuration, name: str, title: str, show: Callable, files: list[Path]) -> str:
    """A table or figure under its head, with links to its files; where it has none, the reason."""
    try:
        body = show(config, name)
    except InputError as error:
        body = page.paragraph(f"Not shown: {error}", "missing")
    root = Layout(config.name).root
    there = {path.suffix[1:]: os.path.relpath(path, root) for path in files if path.exists()}
    return page.heading(f"{name}: {title}") + body + page.links(there)


def _curves(jobs: list[ran.Ran]) -> str:
    """A card per cell and per compressor, a curve per seed."""
    cards: dict[str, dict[str, list[float]]] = {}
    for job in jobs:
        if losses := job.losses():
            cards.setdefault(job.title, {})[f"seed {job.seed}"] = losses
    text = "Loss by step, each on its own scale, a curve per seed; below, its first and its last value."
    return (
        page.paragraph(text, "quiet")
        + f'<div class="cards">{"".join(page.curves(title, losses) for title, losses in cards.items())}</div>'
    )


def _unfinished(jobs: list[ran.Ran]) -> str:
    """A line per job that is not done, seeds in the same state together."""
    seeds: dict[tuple[str, str], list[str]] = {}
    for job in jobs:
        if not job.done:
            seeds.setdefault((job.title, job.state), []).append(str(job.seed))
    rows = [
        [page.Cell(title), page.Cell(", ".join(of)), page.Cell(state, classes="text")]
        for (title, state), of in seeds.items()
    ]
    return page.sortable(["Job", "Seeds", "State"], rows) if rows else page.paragraph("Everything ran.")


def _workflow_report(layout: Layout) -> str:
    name = layout.workflow_report.name
    return (
        f"<p>Snakemake's own report, beside this file, has every job with its rule, time and code: "
        f'<a href="{name}">{name}</a>. <code>make report</code> writes it once all jobs are done.</p>'
    )
