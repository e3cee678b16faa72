"""A model that has collapsed: it scores every document of a query alike, but for rounding."""

import numpy as np
import pandas as pd

from sirbench.ranking.precision import Precision

ROUNDING: dict[Precision, float] = {"fp32": 1e-6, "bf16": 1e-3}
"""Scores of a query no further apart than this, relative to the larger or to 1, are apart by rounding alone.

Measured on MiniLM, in units of that: a collapsed one is apart by 0 (fp32) and 1.3e-4 (bf16), one whose head
has just been drawn by 2e-2, of which bf16 makes up 6e-4; two random layers after five steps by 1e-3.
"""


def is_constant(queries: np.ndarray, scores: np.ndarray, precision: Precision) -> bool:
    """Whether no query has two documents with scores apart by more than rounding; False if none has two.

    Args:
        queries: the query (pairs,) of each pair.
        scores: the score (pairs,) of each, without dropout, which alone keeps those of training apart.
        precision: of the encoder that gave them.
    """
    spread = pd.Series(scores).groupby(queries, sort=False).agg(["min", "max", "size"])
    several = spread[spread["size"] > 1]
    rounding = ROUNDING[precision] * several[["min", "max"]].abs().max(axis=1).clip(lower=1)
    return len(several) > 0 and bool((several["max"] - several["min"] <= rounding).all())
