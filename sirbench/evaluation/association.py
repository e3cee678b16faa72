"""How two numbers of trained cells go together: from recipe to recipe, and from seed to seed of one recipe.

Cells of one recipe are not independent of one another, so all cells in one correlation would count recipes as
often as there are seeds. The two questions are therefore asked apart.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd


class Association(NamedTuple):
    """A correlation with its 95 % interval; all are NaN where it is not defined."""

    value: float
    low: float
    high: float


UNKNOWN = Association(np.nan, np.nan, np.nan)


def between_groups(first: pd.Series, second: pd.Series, groups: pd.Series) -> Association:
    """Spearman's rank correlation of the groups' means.

    The interval is Fisher's, with the standard error of Bonett and Wright (2000, doi: 10.1007/BF02294183):
    sqrt((1 + r^2 / 2) / (n - 3)). Undefined for fewer than four groups, or where all means are equal.
    """
    from scipy import stats

    means = pd.DataFrame({"first": first, "second": second}).groupby(groups).mean().dropna()
    if len(means) < 4 or (means.nunique() < 2).any():
        return UNKNOWN
    value = float(stats.spearmanr(means["first"], means["second"]).statistic)
    return _interval(value, np.sqrt((1 + value**2 / 2) / (len(means) - 3)))


def within_groups(first: pd.Series, second: pd.Series, groups: pd.Series) -> Association:
    """The correlation that is common to all groups: Pearson's, of the differences from each group's means.

    It is the repeated measures correlation of Bakdash and Marusich (2017, doi: 10.3389/fpsyg.2017.00456):
    with one slope for all groups, n values and k groups it has n - k - 1 degrees of freedom, and Fisher's
    interval the standard error 1 / sqrt(n - k - 2). Undefined for fewer than one degree over that, or where
    nothing varies within groups.
    """
    pairs = pd.DataFrame({"first": first, "second": second, "group": groups}).dropna()
    centred = pairs[["first", "second"]] - pairs.groupby("group")[["first", "second"]].transform("mean")
    freedom = len(pairs) - pairs["group"].nunique() - 1
    spread = np.sqrt((centred**2).sum())
    if freedom < 2 or (spread <= 1e-12).any():
        return UNKNOWN
    value = float((centred["first"] * centred["second"]).sum() / spread.prod())
    return _interval(value, 1 / np.sqrt(freedom - 1))


def _interval(value: float, error: float) -> Association:
    """Fisher's interval around a correlation whose arctanh has this standard error."""
    if abs(value) > 1 - 1e-12:
        return Association(value, value, value)
    middle, reach = np.arctanh(value), 1.959963984540054 * error
    return Association(value, float(np.tanh(middle - reach)), float(np.tanh(middle + reach)))
