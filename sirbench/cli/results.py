"""Verbs for what is read in the end: tables, figures, the report; and for taking results elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sirbench.cli.options import StudyOption, check_known
from sirbench.config import load

PANEL = "Tables, figures, report"
"""What `--help` calls this group."""

verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def table(
    study: StudyOption,
    table: Annotated[str, typer.Option("--table", help="Name of a file in config/tables/.")],
) -> None:
    """Write a table as csv, md and tex from the measures of its cells."""
    from sirbench.steps.table import make_table

    config = load(study)
    check_known(table, "--table", config.tables, study)
    make_table(config, table)


@verbs.command(rich_help_panel=PANEL)
def claims(study: StudyOption) -> None:
    """Write the verdicts on all claims as csv, md and tex from the measures of the cells they compare."""
    from sirbench.steps.claims import make_claims

    make_claims(load(study))


@verbs.command(rich_help_panel=PANEL)
def tune(
    study: StudyOption,
    tuning: Annotated[str, typer.Option("--tuning", help="Name of a file in config/tuning/.")],
) -> None:
    """Choose learning rates, or one of several recipes, on the study's validation queries."""
    from sirbench.steps import tuning as step

    config = load(study)
    check_known(tuning, "--tuning", config.tunings, study)
    step.tune(config, tuning)


@verbs.command(rich_help_panel=PANEL)
def figure(
    study: StudyOption,
    figure: Annotated[str, typer.Option("--figure", help="Name of a file in config/figures/.")],
) -> None:
    """Draw a figure as pdf, png and svg, with a csv of what was drawn."""
    from sirbench.steps.figure import make_figure

    config = load(study)
    check_known(figure, "--figure", config.figures, study)
    make_figure(config, figure)


@verbs.command(rich_help_panel=PANEL)
def report(study: StudyOption) -> None:
    """Write results/<study>/report.html: what was run and what came out, as far as it has come.

    Beside it, ro-crate-metadata.json says so in the terms of a Workflow Run RO-Crate.
    """
    from sirbench.steps.report import make_report

    make_report(load(study))


@verbs.command(rich_help_panel=PANEL)
def findings(study: StudyOption) -> None:
    """Write docs/findings.md from docs/findings.md.j2, with the numbers of a study's results."""
    from sirbench.steps.findings import make_findings

    print(make_findings(load(study)))


@verbs.command(rich_help_panel=PANEL)
def verify(study: StudyOption) -> None:
    """Read models, tokens, runs and measures of a study through, and compare them with their manifests."""
    from sirbench.steps import verifying

    print(f"{study}: {verifying.verify(load(study))} files and folders are as they were written")


@verbs.command(rich_help_panel=PANEL)
def export(
    study: StudyOption,
    archive: Annotated[Path, typer.Argument(help="Where to write it, e.g. laptop.tar.gz.")],
) -> None:
    """Pack a study's finished cells, without their models, to be adopted on another machine."""
    from sirbench.steps.archives import export_cells

    cells = export_cells(load(study), archive)
    print(f"{archive}: {len(cells)} cells of study {study}")


@verbs.command(rich_help_panel=PANEL)
def adopt(
    study: StudyOption,
    archive: Annotated[Path, typer.Argument(help="What `sirbench export` wrote.")],
) -> None:
    """Take finished cells from another machine, once settings, data and checksums are found to agree."""
    from sirbench.steps.archives import adopt_cells

    new, present = adopt_cells(load(study), archive)
    print(f"{study}: {len(new)} cells adopted, {len(present)} were here already")


@verbs.command(rich_help_panel=PANEL)
def measure(
    run: Annotated[Path, typer.Argument(help="A run: a file, plain or compressed.")],
    judgements: Annotated[
        str,
        typer.Argument(
            metavar="QRELS",
            help="TREC's or BEIR's judgements: a file, or the name of an ir_datasets collection.",
        ),
    ],
    measures: Annotated[
        str, typer.Option(help="Names as ir_measures writes them, with blanks between.")
    ] = "RR@10 RR@100 AP@20 nDCG@10 R@100",
    against: Annotated[
        list[Path] | None, typer.Option(help="Another run of the same queries; may be given several times.")
    ] = None,
    interval: Annotated[
        Literal["bootstrap", "t"], typer.Option(help="How 95 % intervals are made.")
    ] = "bootstrap",
    format: Annotated[
        Literal["trec", "ranks", "texts"], typer.Option(help="Of all runs: see docs/candidates.md.")
    ] = "trec",
    csv: Annotated[Path | None, typer.Option(help="A file to write the unrounded numbers to.")] = None,
) -> None:
    """Measure any run, without its documents, and test it against others."""
    from sirbench.machine.atomic import atomic_file
    from sirbench.reporting.comparison import as_text
    from sirbench.steps.measuring import measure_runs

    table = measure_runs([run, *(against or [])], judgements, measures.split(), interval, format)
    print(as_text(table, interval), end="")
    if csv is not None:
        with atomic_file(csv) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
