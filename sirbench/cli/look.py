"""Verbs to look with before anything starts."""

import sys
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from sirbench import __version__
from sirbench.cli.options import OneOfThemOption, StudyOption, with_candidates
from sirbench.config import check_all, load
from sirbench.jobs.tuning import unheeded
from sirbench.machine.errors import InputError
from sirbench.study import OwnCollection

PANEL = "Look before you start"
"""What `--help` calls this group."""

verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def check(
    study: Annotated[
        str | None, typer.Option("--study", help="Name of a file in config/studies/; all if not given.")
    ] = None,
) -> None:
    """Check config/: studies, every recipe, table and figure, and that they fit together; and files of one's
    own, where the collection of the one study that is named is in such, line by line."""
    fitting, errors = ([load(study)], {}) if study is not None else check_all()
    for config in fitting:
        counts = (
            f"{len(config.recipes)} recipes, {len(config.tables)} tables and {len(config.figures)} figures"
        )
        print(f"{config.name}: {counts} fit together")
        if study is not None and isinstance(config.study.collection, OwnCollection):
            from sirbench.steps.collection import check_own_files

            print(f"{study}: {', '.join(check_own_files(config.study.collection))} fit together")
        for warning in unheeded(config):
            print(f"warning: {warning}", file=sys.stderr)
    if errors:
        raise InputError("\n".join(str(error) for error in errors.values()))


@verbs.command(rich_help_panel=PANEL)
def cost(
    study: StudyOption,
    tflops: Annotated[float, typer.Option(help="What a GPU does, in TFLOP/s.", min=0.001)] = 125.0,
    pairs_per_second: Annotated[
        float | None, typer.Option(help="Measured: pairs that one GPU trains on in a second.", min=0.001)
    ] = None,
) -> None:
    """Say what a study will cost, and each table at the least, before it starts: GPU-hours and bytes."""
    from sirbench.steps.cost import describe_cost

    if not isfinite(tflops) or not isfinite(pairs_per_second or 0):
        raise InputError("--tflops, --pairs-per-second: not a finite number")
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
