"""Cells that are kept: their measures and where they come from, without the model.

Git keeps these of a study whose results are committed, and `sirbench adopt` brings those of another machine.
A kept cell counts as done, so the workflow trains the others only; one of other settings, or of other data,
is refused by name.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.study import PretrainedBackbone, Study

REMEDY = "remove that folder to train the cell again"
SHARED = ("queries", "qrels", "candidates", "tokens", "folds")
"""Inputs that all cells on the same candidates with the same backbone have in common."""


def is_kept(cell: Cell) -> bool:
    """Whether a cell has its measures and its provenance, but neither its model nor its run."""
    whole = cell.per_query.is_file() and cell.provenance.is_file()
    return whole and not cell.model.exists() and not cell.run.exists()


def kept_cells(config: Configuration) -> list[Cell]:
    """The study's cells that are kept, all of them checked.

    Raises:
        InputError: a kept cell was made with other settings than study and recipe now have, lacks a measure
            that is asked for, or comes from other data than the others.
    """
    kept = [cell for cell in _known_cells(config) if is_kept(cell)]
    inputs: dict[tuple[str, str], tuple[Cell, dict[str, str]]] = {}
    for cell in kept:
        made = provenance_of(cell)
        check_settings(config, cell, made, cell.folder)
        check_measures(config, _text(cell.per_query), cell.folder)
        first, wanted = inputs.setdefault(
            (cell.candidates, cell.backbone), (cell, _shared(config, cell, made))
        )
        check_inputs(_shared(config, cell, made), wanted, cell.folder, first.folder)
    return kept


def kept_candidates(kept: Iterable[Cell]) -> list[str]:
    """The candidates of kept cells whose own measures are kept, too, without the run."""
    names = dict.fromkeys((cell.study, cell.candidates) for cell in kept)
    return [
        name
        for study, name in names
        if Layout(study).candidates_per_query(name).exists()
        and not Layout(study).candidates(name, "dev").exists()
    ]


def figures_of_kept_cells(config: Configuration, kept: Iterable[Cell]) -> dict[str, Cell]:
    """The figures of the semantic space that kept cells are in, each with the first such cell.

    A space is embedded by models, which kept cells do not have: such a figure is kept itself, as it is
    drawn, or cannot be drawn.
    """
    without = {cell for cell in kept if not cell.embeddings.exists()}
    found = {
        name: [cell for cell in needs.space_cells(config, figure.space) if cell in without]
        for name, figure in config.figures.items()
        if figure.space
    }
    return {name: cells[0] for name, cells in found.items() if cells}


def check_against_present(config: Configuration, cell: Cell, inputs: Mapping[str, str], source: Path) -> None:
    """Raise `InputError` if a cell to be trained or adopted comes from other data than a kept one."""
    for other in _known_cells(config):
        beside = (other.candidates, other.backbone) == (cell.candidates, cell.backbone)
        if beside and other != cell and is_kept(other):
            wanted = _shared(config, other, provenance_of(other))
            check_inputs(_shared(config, cell, {"inputs": dict(inputs)}), wanted, source, other.folder)
            return


def provenance_of(cell: Cell) -> dict[str, Any]:
    """Where a cell comes from.

    Raises:
        InputError: the file does not hold what a training writes.
    """
    return read_provenance(_text(cell.provenance), cell.provenance)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; {REMEDY}") from None


def read_provenance(text: str, source: Path) -> dict[str, Any]:
    """The provenance of a training from its text; `InputError` names the source of one that is none."""
    try:
        made = json.loads(text)
        assert isinstance(made, dict) and isinstance(made["inputs"], dict)
    except (ValueError, KeyError, AssertionError, RecursionError):
        raise InputError(f"{source}: not the provenance of a training; {REMEDY}") from None
    return made


def made_with(study: Study, candidates: str, backbone: str) -> dict[str, Any]:
    """The settings of what a cell is trained on: its candidates, and its backbone with those it continues."""
    return {
        "candidates_settings": study.candidates[candidates].model_dump(mode="json"),
        "backbone_settings": _backbone_settings(study, backbone),
    }


def _backbone_settings(study: Study, name: str) -> list[dict[str, Any]]:
    spec = study.backbones[name]
    before = _backbone_settings(study, spec.start) if isinstance(spec, PretrainedBackbone) else []
    return [*before, spec.model_dump(mode="json")]


def differences(found: object, wanted: object, key: str = "") -> Iterator[tuple[str, object, object]]:
    """(key, found, wanted) of every value that differs between two nested mappings, keys joined by dots."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for name in [*wanted, *(name for name in found if name not in wanted)]:
            yield from differences(found.get(name), wanted.get(name), f"{key}.{name}" if key else str(name))
    elif found != wanted:
        yield key, found, wanted


def check_settings(config: Configuration, cell: Cell, made: Mapping[str, Any], source: Path) -> None:
    """Raise `InputError` naming the first setting in which a cell differs from study and recipe."""
    wanted = json.loads(json.dumps(made_as(job_of_cell(config, cell), config.study) | {"seed": cell.seed}))
    # What was trained before these were recorded has none of them.
    recorded = made_with(config.study, cell.candidates, cell.backbone)
    wanted |= {name: value for name, value in recorded.items() if name in made}
    found = {name: made.get(name) for name in wanted}
    for key, there, here in differences(found, wanted):
        raise InputError(
            f"{source}: of other settings: {key} is {there!r} there and {here!r} in study {config.name} "
            f"with recipe {cell.recipe}; set it back, or {REMEDY}"
        )


def check_measures(config: Configuration, per_query: str, source: Path) -> None:
    """Raise `InputError` for per-query values (the text of a CSV) without a measure that is asked for."""
    columns = next(csv.reader(per_query.splitlines()[:1]), [])
    if missing := [name for name in needs.measures(config) if name not in columns]:
        raise InputError(
            f"{source}: {', '.join(missing)} was not measured, and without the cell's run it cannot be; "
            f"take it out of config/tables/ and config/claims/, or {REMEDY}"
        )


def check_inputs(found: Mapping[str, str], wanted: Mapping[str, str], folder: Path, other: Path) -> None:
    """Raise `InputError` naming the first input that both of two cells have and in which they differ."""
    both = {key.partition("/")[0] for key in found} & {key.partition("/")[0] for key in wanted}
    some, others = (
        {key: value for key, value in inputs.items() if key.partition("/")[0] in both}
        for inputs in (found, wanted)
    )
    for key, _, _ in differences(some, others):
        raise InputError(
            f"{folder}: of other data than {other}: their {key} differ (inputs.{key} in provenance.json); "
            "cells of one table must share them: move one of the two folders away"
        )


def _shared(config: Configuration, cell: Cell, made: Mapping[str, Any]) -> dict[str, str]:
    """Checksums of the inputs that must be equal within candidates and backbone.

    A backbone that the study pre-trains is left out: on another machine it comes out with other roundings,
    so its settings are compared. And V2's last level starts from the level before, which is the recipe's own.
    """
    given = not isinstance(config.study.backbones[cell.backbone], PretrainedBackbone)
    names = SHARED + (("start",) if given and job_of_cell(config, cell).weights_from is None else ())
    return {key: value for key, value in made["inputs"].items() if key.partition("/")[0] in names}


def _known_cells(config: Configuration) -> Iterator[Cell]:
    """Every cell of which there are measures, and whose names the study knows."""
    study, cells = config.study, Layout(config.name).root / "cells"
    for path in sorted(cells.glob(f"*/*/*/seed*/{Cell('', '', '', '', 0).per_query.name}")):
        candidates, backbone, recipe, seed = path.parent.relative_to(cells).parts
        number = seed.removeprefix("seed")
        known = candidates in study.candidates and backbone in study.backbones and recipe in config.recipes
        if known and number.isdecimal() and int(number) in study.seeds:
            yield Cell(config.name, candidates, backbone, recipe, int(number))
