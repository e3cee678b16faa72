"""Numbers as runs and judgements write them; Python reads more as one: `1_0`, `+1`, Arabic digits."""

import re
from math import isfinite

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def whole_number(text: str) -> int:
    """The integer that a text is; ValueError for anything else, and for more than 18 digits."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a whole number")
    return int(text)


def finite_number(text: str) -> float:
    """The number that a text is; ValueError for anything else, infinity included."""
    if not _DECIMAL.fullmatch(text) or not isfinite(float(text)):
        raise ValueError(f"{text[:40]!r} is not a finite number")
    return float(text)
