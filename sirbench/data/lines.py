"""Text files by line: read with line numbers, so that errors can be located, and written reproducibly."""

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError, missing

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading gzip raises for a file that is damaged, truncated or not gzip."""

UNREADABLE = (
    zipfile.BadZipFile,
    EOFError,
    OSError,
    lzma.LZMAError,
    zlib.error,
    NotImplementedError,
    RuntimeError,
)
"""What reading a zip archive raises: its members may be compressed by bzip2 (OSError) or LZMA too."""


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of `path` that are not blank, with numbers from 1; a name that ends in .gz means gzip.

    Raises InputError for a missing file and, naming the line, for bytes that are not UTF-8 and for damaged or
    truncated gzip.
    """
    path = Path(path)
    if not path.is_file():
        raise missing(path)
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in _decode(file, str(path)):
                yield number, line
    except DAMAGED as error:
        raise InputError(f"{path}, after line {number}: truncated, or not gzip at all ({error})") from error


def archived_lines(path: Path) -> Iterator[tuple[str, int, str]]:
    """File name, number and text of each line of the files in the zip archive `path`, ordered by name.

    Skips what macOS adds to archives (`__MACOSX/`, hidden files). Raises InputError like `numbered_lines`,
    and for a damaged or truncated archive.
    """
    if not path.is_file():
        raise missing(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
                if not hidden and not name.endswith("/"):
                    with archive.open(name) as file:
                        yield from ((name, *line) for line in _decode(file, f"{path}, {name}"))
    except UNREADABLE as error:
        raise InputError(f"{path}: truncated, or not a readable zip archive ({error})") from error


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write the lines, ended by "\\n" on every system, in UTF-8; a name that ends in .gz means gzip."""
    with atomic_file(path) as temporary, create(temporary) as file:
        file.writelines(f"{line}\n".encode() for line in lines)


@contextmanager
def create(path: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    """A new file for bytes; gzip, without name and time in its header, if the name of the file ends in .gz.

    A name or time would change the bytes.
    """
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
                yield file
        else:
            yield raw


def _decode(file: Iterable[bytes], name: str) -> Iterator[tuple[int, str]]:
    lines = iter(file)
    without_mark = next(lines, b"").removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(chain([without_mark], lines), start=1):
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(f"{name}, line {number}: not UTF-8 ({error})") from None
        if text and not text.isspace():
            yield number, text
