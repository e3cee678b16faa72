"""The paper's own numbers, read from published/yes-sir.csv."""

from math import isnan
from pathlib import Path

import pandas as pd

from sirbench.machine.errors import InputError

PUBLISHED = Path("published/yes-sir.csv")

KEYS = ["table", "backbone", "recipe", "candidates", "measure"]
"""What identifies a published number."""


def read_published(path: Path) -> pd.DataFrame:
    """The published numbers: index `KEYS`, columns label (str), value (float64), significant (bool).

    `significant` is the paper's dagger.

    Raises:
        InputError: no such file, a missing column, a value that is not a number, a dagger other than yes or
            no, or two numbers for the same place.
    """
    try:
        frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise InputError(f"{path}: not readable as CSV: {error}") from error
    missing = [column for column in [*KEYS, "label", "value", "significant"] if column not in frame]
    if missing:
        raise InputError(f"{path}: line 1: no column {', '.join(missing)}")
    values = pd.to_numeric(frame["value"], errors="coerce")
    _refuse(path, frame, values.isna(), "value is not a number")
    _refuse(path, frame, ~frame["significant"].isin(["yes", "no"]), "significant is neither yes nor no")
    _refuse(path, frame, frame.duplicated(KEYS), "a second value for the same " + ", ".join(KEYS))
    parsed = frame.assign(value=values.astype("float64"), significant=frame["significant"] == "yes")
    return parsed.set_index(KEYS)[["label", "value", "significant"]]


def published_difference(
    first: tuple[str, ...], than: tuple[str, ...], candidates: str, measure: str
) -> float | None:
    """What the paper's numbers of two (backbone, recipe) differ by; None where it does not print both."""
    keys = [key for key in KEYS if key != "table"]
    numbers = read_published(PUBLISHED)["value"].groupby(keys).first()
    values = numbers.reindex([(*first, candidates, measure), (*than, candidates, measure)])
    difference = float(values.iloc[0] - values.iloc[1])
    return None if isnan(difference) else difference


def _refuse(path: Path, frame: pd.DataFrame, wrong: pd.Series, reason: str) -> None:
    if wrong.any():
        first = int(wrong.to_numpy().argmax())
        raise InputError(f"{path}: line {first + 2}: {reason}: {','.join(frame.iloc[first])}")
