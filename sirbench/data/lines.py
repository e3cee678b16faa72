"""Text files by line: read with line numbers, so that errors can be located, and written reproducibly."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from sirbench.machine.errors import InputError, missing
from sirbench.machine.manifest import check_manifest, recorded_file

COMPRESSED: Mapping[str, tuple[str, Callable[[Path], BinaryIO]]] = {
    ".gz": ("gzip", cast(Any, gzip.open)),
    ".bz2": ("bzip2", cast(Any, bz2.open)),
    ".xz": ("xz", cast(Any, lzma.open)),
}
"""How a file is compressed, by the ending of its name, and what reads it."""

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
"""What reading a compressed file raises where it is damaged, truncated or not compressed (or an OSError
without a number, for bzip2)."""

MAGIC = {
    b"\x1f\x8b": "compressed by gzip, which its name has to say: .gz",
    b"BZh91AY": "compressed by bzip2, which its name has to say: .bz2",
    b"\xfd7zXZ": "compressed by xz, which its name has to say: .xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd, which is not read here; unpack it first",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\xff\xfe": "UTF-16; `iconv -f UTF-16 -t UTF-8` converts it",
    b"\xfe\xff": "UTF-16; `iconv -f UTF-16 -t UTF-8` converts it",
}
"""What a file is whose first bytes are these."""

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
    """The lines of `path` that are not blank, with numbers from 1.

    A name that ends in .gz, .bz2 or .xz means that the file is compressed. A byte-order mark is left out.
    Raises InputError for a missing or unreadable file, for one that is not what its manifest says and, naming
    the line, for bytes that are not UTF-8 and for a damaged or truncated file.
    """
    path = Path(path)
    check_manifest(path)
    number = 0
    try:
        with open_bytes(path) as file:
            for number, line in _decode(file, str(path)):
                yield number, line
    except (OSError, *DAMAGED) as error:
        if not is_damage(error):
            raise InputError(f"{path}: cannot be read ({error})") from error
        kind = COMPRESSED[path.suffix][0] if path.suffix in COMPRESSED else "a file"
        raise InputError(f"{path}, after line {number}: truncated, or not {kind} at all ({error})") from error


def open_bytes(path: Path) -> BinaryIO:
    """The file, unpacked where its name says that it is compressed; InputError where it is missing."""
    if not path.is_file():
        raise missing(path)
    return COMPRESSED[path.suffix][1](path) if path.suffix in COMPRESSED else path.open("rb")


def is_damage(error: BaseException) -> bool:
    """Whether an error says that a compressed file is damaged, truncated, or not compressed."""
    return isinstance(error, DAMAGED) or (isinstance(error, OSError) and error.errno is None)


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
    with recorded_file(path) as temporary, create(temporary) as file:
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
    first = next(lines, b"")
    for magic, meaning in MAGIC.items():
        if first.startswith(magic):
            raise InputError(f"{name}: not text but {meaning}")
    for number, line in enumerate(chain([first.removeprefix(b"\xef\xbb\xbf")], lines), start=1):
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(f"{name}, line {number}: not UTF-8 ({_not_utf8(line, error.start)})") from None
        if text and not text.isspace():
            yield number, text


def _not_utf8(line: bytes, place: int) -> str:
    """What the bytes at a place of a line are instead."""
    if line[place] == 0xED and 0xA0 <= line[place + 1] <= 0xBF:  # U+D800 to U+DFFF
        return f"byte {place + 1} begins half of a surrogate pair, which is no character"
    return (
        f"byte {place + 1} is {line[place]:#04x}; should the file be Latin-1, "
        "`iconv -f LATIN1 -t UTF-8` converts it"
    )
