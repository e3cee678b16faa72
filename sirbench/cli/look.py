"""Verbs to look with before anything starts."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sirbench import __version__
from sirbench.cli.options import OneOfThemOption, StudyOption, with_candidates
from sirbench.config import load
from sirbench.jobs.tuning import unheeded

PANEL = "Look before you start"
"""What `--help` calls this group."""

verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def check(study: StudyOption = "demo") -> None:
    """Check config/: the study, every recipe, table and figure, and that they fit together."""
    config = load(study)
    counts = f"{len(config.recipes)} recipes, {len(config.tables)} tables and {len(config.figures)} figures"
    print(f"{study}: {counts} fit together")
    for warning in unheeded(config):
        print(f"warning: {warning}", file=sys.stderr)


@verbs.command(rich_help_panel=PANEL)
def cost(
    study: StudyOption,
    tflops: Annotated[float, typer.Option(help="What a GPU does, in TFLOP/s.", min=0.001)] = 125.0,
    pairs_per_second: Annotated[
        float | None, typer.Option(help="Measured: pairs that one GPU trains on in a second.", min=0.001)
    ] = None,
) -> None:
    """Say what a study will cost before anything starts: pairs, GPU-hours, trainings, bytes on disk."""
    from sirbench.steps.cost import describe_cost

    print(describe_cost(load(study), tflops, pairs_per_second))


@verbs.command(rich_help_panel=PANEL)
def downloads(study: StudyOption, candidates: OneOfThemOption = None) -> None:
    """List the published runs that the study takes from others: size, checksum, licence, and what is here."""
    from sirbench.steps.downloads import list_downloads

    print(list_downloads(with_candidates(study, candidates), candidates))


@verbs.command(rich_help_panel=PANEL)
def schema(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("config/schema"),
) -> None:
    """Write the JSON schemas of config/'s files, and the tables of keys in config/README.md beside them."""
    from sirbench.steps.schema import write_schemas

    write_schemas(folder)


@verbs.command(rich_help_panel=PANEL)
def version() -> None:
    """Print the version."""
    print(__version__)
