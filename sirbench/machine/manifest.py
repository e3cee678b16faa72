"""Manifests: what a job hands on comes with size and sha256 of its files, and who reads it compares.

A file's manifest is beside it (`.NAME.manifest`), a folder's is in it (`.manifest`); hidden files do not
count. A small file is read through; a larger one is where it is younger than its manifest, and where a job
takes the checksum of all that it reads anyway (`provenance.checksums`). `sirbench verify` reads everything.
What has no manifest (a file of the user's own, a kept cell) is taken as it is.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sirbench.machine.atomic import atomic_file, atomic_folder
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object

ENDING = ".manifest"
SMALL = 1 << 24
"""Bytes of a file that is read through whenever it is used: it takes a hundredth of a second."""


def sha256(path: Path) -> str:
    """The sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def recorded_file(path: Path) -> Iterator[Path]:
    """An `atomic_file` with a manifest; a kill in between leaves the file without one."""
    path = Path(path)
    manifest = manifest_of(path)
    with atomic_file(path) as temporary:
        yield temporary
        content = {path.name: _described(temporary)}
        manifest.unlink(missing_ok=True)
    _write(manifest, content)


@contextmanager
def recorded_folder(path: Path) -> Iterator[Path]:
    """An `atomic_folder` with a manifest in it."""
    with atomic_folder(path) as temporary:
        yield temporary
        _write(temporary / ENDING, {name: _described(file) for name, file in files_below(temporary).items()})


def manifest_of(path: Path) -> Path:
    """Where the manifest of a file or a folder is."""
    return path / ENDING if path.is_dir() else path.with_name(f".{path.name}{ENDING}")


def with_manifests(folder: Path) -> list[Path]:
    """All files and folders below a folder that have a manifest."""
    manifests = sorted(it for it in folder.rglob(f"*{ENDING}") if it.name.startswith("."))
    found = [it.with_name(it.name[1 : -len(ENDING)]) if it.name != ENDING else it.parent for it in manifests]
    return [path for path in found if path.exists()]


def files_below(folder: Path) -> dict[str, Path]:
    """The files of a folder, by their path in it; hidden ones do not count: Snakemake leaves a time stamp."""
    return {
        file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("[!.]*")) if file.is_file()
    }


def check_manifest(path: Path, known: Mapping[Path, str] | None = None, *, thorough: bool = False) -> None:
    """Raise `InputError` if a file, or a file of a folder, is not what its manifest says.

    Args:
        path: what is going to be read; nothing is checked where it has no manifest.
        known: the sha256 of all its files, by path, where that has been taken already.
        thorough: read large files through, too, whatever their time says.
    """
    path = Path(path)
    manifest = manifest_of(path)
    if not os.path.isfile(manifest) or not path.exists():  # noqa: PTH113  # no error where names are too long
        return
    wanted = read_object(manifest)
    found = files_below(path) if path.is_dir() else {path.name: path}
    for name in sorted(wanted.keys() | found.keys()):
        problem = "missing"
        if file := found.get(name):
            sha = known[file] if known else None
            problem = _problem(file, wanted.get(name), manifest, sha, thorough)
        if problem:
            raise InputError(
                f"{found.get(name, path / name)}: {problem}; remove {path} to have it made again, or "
                f"{manifest} to take it as it is"
            )


def _problem(file: Path, wanted: object, manifest: Path, known: str | None, thorough: bool) -> str:
    """In what a file differs from its entry in a manifest; "" where it does not."""
    if not isinstance(wanted, dict):
        return f"not in {manifest.name}, which has all files that were written"
    there = file.stat()
    if there.st_size != wanted.get("bytes"):
        return f"damaged: {there.st_size} bytes, and {wanted.get('bytes')} were written"
    young = there.st_mtime_ns > manifest.stat().st_mtime_ns
    if not (known or young or thorough or there.st_size <= SMALL):
        return ""
    if (known or sha256(file)) != wanted.get("sha256"):
        return "changed since it was written: its sha256 is another"
    return ""


def _described(file: Path) -> dict[str, str | int]:
    return {"sha256": sha256(file), "bytes": file.stat().st_size}


def _write(manifest: Path, content: Mapping[str, Mapping[str, str | int]]) -> None:
    with atomic_file(manifest) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
