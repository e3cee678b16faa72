"""Verbs for what is read in the end: tables, figures, the report."""

from typing import Annotated

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
    """Write results/<study>/report.html: what was run and what came out, as far as it has come."""
    from sirbench.steps.report import make_report

    make_report(load(study))
