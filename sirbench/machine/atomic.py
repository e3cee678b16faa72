"""Files and folders that appear complete or not at all, whatever kills the writer.

What a writer that was killed has left half written is swept when the next one writes into the same folder.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sirbench.machine.process import is_alive, machine_identity

LEFT = re.compile(r"\.(?:tmp|old)-([0-9a-f]{8})-([0-9]+)-")
"""How names of temporaries begin: with the machine and the process that writes them."""

ABANDONED = 24 * 3600.0
"""Seconds without a write after which a temporary of another machine's is taken to be left behind."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which is renamed to `path` when the block ends without an error.

    The bytes are flushed to disk before the rename, so a crash leaves the old file or the new one. The
    temporary name has the same ending (`.gz` stays `.gz`), because writers look at it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    temporary = _beside(path, "tmp")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder, which replaces `path` when the block ends without an error.

    A folder cannot be replaced in one operation: a crash may leave no folder at `path`, but never an
    incomplete one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    temporary, replaced = _beside(path, "tmp"), _beside(path, "old")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for file in sorted(temporary.rglob("*")):
            _flush(file)
        if path.exists():
            path.replace(replaced)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete what processes that are no more have left half written in a folder.

    Of other machines, that share the folder, it is not known which processes live; theirs go a day after the
    last write.
    """
    with suppress(OSError):  # somebody else may sweep at the same moment
        for path in folder.glob(".[ot]??-*"):
            if (named := LEFT.match(path.name)) and _is_left(path, named[1], int(named[2])):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _is_left(path: Path, machine: str, process: int) -> bool:
    if machine == machine_identity():
        return not is_alive(process)
    last = max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    return time.time() - last > ABANDONED


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{kind}-{machine_identity()}-{os.getpid()}-{path.name}")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
