"""Lines of a text file with their numbers, so that every reader can say where a mistake is."""

import gzip
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from sirbench.errors import InputError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of `path` that are not blank, with numbers from 1; gzip where the name ends in .gz.

    Raises InputError for a missing file and, naming the line, for bytes that are not UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        without_mark = file.readline().removeprefix(b"\xef\xbb\xbf")
        for number, line in enumerate(chain([without_mark], file), start=1):
            try:
                text = line.decode().rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise InputError(f"{path}, line {number}: not UTF-8 ({error})") from None
            if text and not text.isspace():
                yield number, text
