"""Rows of different lengths as two arrays: the values of all rows, concatenated, and where each row starts.

There is one start more than rows: the end of the last.
"""

from collections.abc import Sequence

import numpy as np


def starts_of(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Where each row starts (rows + 1,), int64."""
    return np.concatenate([[0], lengths]).cumsum().astype(np.int64)


def row_of(values: np.ndarray, starts: np.ndarray, row: int) -> np.ndarray:
    """The values of one row."""
    return np.asarray(values[starts[row] : starts[row + 1]])
