"""Verbs `export` and `adopt`: finished cells from one machine to another, in one archive with a manifest.

The archive is a .tar.gz: `manifest.json` first (study, checksums and sizes), then the files of each cell at
their path below results/STUDY/. Models and runs stay where they were made; what tables and claims read goes.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell
from sirbench.jobs.kept import (
    check_against_present,
    check_measures,
    check_settings,
    provenance_of,
    read_provenance,
)
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file, atomic_folder
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import check_manifest
from sirbench.machine.provenance import machine

MANIFEST = "manifest.json"
SELECTION_BYTES = 1_000_000
"""A selection trace that is larger is left behind: it grows with steps and blocks."""


class Packed(NamedTuple):
    """An archive that was read: what it says of itself, and its files."""

    manifest: dict[str, Any]
    files: dict[str, bytes]


def export_cells(config: Configuration, archive: Path) -> list[Cell]:
    """Pack every finished cell of a study; return them.

    Raises:
        InputError: the study has no finished cell, or one of other settings than study and recipe now have.
    """
    root = Layout(config.name).root
    cells = list(_finished(config))
    if not cells:
        raise InputError(
            f"{root}/cells: no finished cell to export; `make study STUDY={config.name}` makes them"
        )
    files = {
        file.relative_to(root).as_posix(): file.read_bytes() for cell in cells for file in _travelling(cell)
    }
    manifest = {
        "study": config.name,
        "cells": [cell.name for cell in cells],
        "files": {name: _described(content) for name, content in files.items()},
        "machine": machine(),
    }
    described = {MANIFEST: json.dumps(manifest, indent=2, default=str).encode()}
    with atomic_file(archive) as temporary, tarfile.open(temporary, "w:gz") as packed:
        for name, content in (described | files).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return cells


def adopt_cells(config: Configuration, archive: Path) -> tuple[list[Cell], list[Cell]]:
    """Take the cells of an archive that are not here yet; return those, and those that were here already.

    All of them are compared before the first is written: names, settings, data, checksums.

    Raises:
        InputError: the archive is damaged or holds something else, a cell is of another study, of other
            settings, of other data than the cells here, or here already with other measures.
    """
    packed = read_archive(archive)
    if packed.manifest["study"] != config.name:
        raise InputError(f"{archive}: cells of study {packed.manifest['study']!r}, not of {config.name}")
    new, present = [], []
    for cell, files in _cells_of(config, archive, packed):
        _check(config, archive, cell, files)
        if not cell.per_query.exists():
            new.append((cell, files))
        elif cell.per_query.read_bytes() == files[cell.per_query.name]:
            present.append(cell)
        else:
            raise InputError(
                f"{archive}: {cell.name} is here already, with other measures ({cell.per_query}); "
                "move one of the two away: which of them counts is for you to decide"
            )
    for cell, files in new:
        with atomic_folder(cell.folder) as folder:
            for name, content in files.items():
                (folder / name).write_bytes(content)
    return [cell for cell, _ in new], present


DAMAGED = (
    *(tarfile.TarError, zlib.error, EOFError, OSError),
    *(KeyError, ValueError, TypeError, RecursionError, AssertionError),
)
"""What reading an archive with anything in it may raise."""


def read_archive(archive: Path) -> Packed:
    """The manifest and the files of an archive, checked against each other; nothing is unpacked.

    Raises:
        InputError: it is no such archive, or a file of it is missing, cut short, changed or unknown.
    """
    if archive.exists() and not archive.is_file():
        raise InputError(f"{archive}: not a regular file")  # a pipe would be waited for
    try:
        # To the very end, where gzip's checksum is: tarfile would not read that far.
        whole = gzip.decompress(archive.read_bytes())
        with tarfile.open(fileobj=io.BytesIO(whole)) as packed:
            files = {member.name: _content(packed, member) for member in packed}
        manifest = json.loads(files.pop(MANIFEST))
        wanted = dict(manifest["files"])
        assert isinstance(manifest["study"], str) and isinstance(manifest["cells"], list)
    except FileNotFoundError:
        raise InputError(f"{archive}: there is no such file") from None
    except DAMAGED as error:
        raise InputError(f"{archive}: no archive of `sirbench export`, or a damaged one ({error})") from None
    for name in sorted(wanted.keys() | files.keys()):
        if name not in files or name not in wanted or _described(files[name]) != wanted[name]:
            raise InputError(
                f"{archive}: {name} is damaged: it is not what the manifest says; export it anew"
            )
    return Packed(manifest, files)


def _finished(config: Configuration) -> Iterator[Cell]:
    """The cells that tables, figures and claims need and that are measured, each checked."""
    for cell in needs.every_cell(config):
        if cell.per_query.is_file() and cell.provenance.is_file():
            made = provenance_of(cell)
            check_settings(config, cell, made, cell.folder)
            yield cell


def _travelling(cell: Cell) -> list[Path]:
    """The files of a cell that an archive holds, each as it was written."""
    files = [cell.per_query, cell.provenance, cell.step_log]
    if cell.selection.exists() and cell.selection.stat().st_size <= SELECTION_BYTES:
        files.append(cell.selection)
    there = [file for file in files if file.exists()]
    for file in there:
        check_manifest(file)
    return there


def _cells_of(
    config: Configuration, archive: Path, packed: Packed
) -> Iterator[tuple[Cell, dict[str, bytes]]]:
    """The cells of an archive with their files by name; the study knows them, and nothing else is inside."""
    by_folder: dict[str, dict[str, bytes]] = {}
    for name, content in packed.files.items():
        path = PurePosixPath(name)
        by_folder.setdefault(path.parent.as_posix(), {})[path.name] = content
    root = Layout(config.name).root
    known = {cell.folder.relative_to(root).as_posix(): cell for cell in needs.every_cell(config)}
    for folder, files in by_folder.items():
        if folder not in known:
            raise InputError(
                f"{archive}: {folder}: no cell that a table, a figure or a claim of study {config.name} needs"
            )
        cell = known[folder]
        allowed = {file.name for file in (cell.per_query, cell.provenance, cell.step_log, cell.selection)}
        needed = {cell.per_query.name, cell.provenance.name}
        if not needed <= files.keys() or not files.keys() <= allowed:
            raise InputError(
                f"{archive}: {folder} holds {', '.join(sorted(files))}, which is not a finished cell"
            )
        yield cell, files


def _check(config: Configuration, archive: Path, cell: Cell, files: dict[str, bytes]) -> None:
    source = archive / cell.folder
    made = read_provenance(files[cell.provenance.name].decode(errors="replace"), source)
    check_settings(config, cell, made, source)
    check_measures(config, files[cell.per_query.name].decode(errors="replace"), source)
    check_against_present(config, cell, made["inputs"], source)


def _content(packed: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = packed.extractfile(member) if member.isfile() else None
    if file is None:
        raise tarfile.TarError(f"{member.name} is no file")
    return file.read()


def _described(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
