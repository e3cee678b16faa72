"""JSON files that hold one object: read as written, or refused with the file's name."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sirbench.machine.errors import InputError, missing


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in the file at `path`.

    Raises InputError for a missing file, for what is no regular file (a pipe would be waited for), for other
    bytes than JSON, for a number that is none (NaN) or takes thousands of digits, and for anything but an
    object.
    """
    if not path.is_file():
        raise InputError(f"{path}: not a regular file") if path.exists() else missing(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise InputError(f"{path}: not a valid JSON file: nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{path}: not a valid JSON file: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a JSON object but {type(content).__name__}")
    return content


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def read_counts(path: Path, places: Sequence[Sequence[str]]) -> list[int]:
    """The numbers at some places of a JSON file; InputError for one that cannot be a number of anything."""
    found: list[int] = []
    for place in places:
        value: Any = read_object(path)
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if type(value) is not int or not 0 <= value < 2**40:
            raise InputError(f"{path}: {'.'.join(place)}: {str(value)[:40]} is no number of anything")
        found.append(value)
    return found
