"""Intervals around means of per-query values, and tests of their differences.

scipy.stats and statsmodels are imported where they compute: they take seconds, and every reading of config/
imports this file.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

ROUNDING_NOISE = 1e-12
"""Differences up to this are rounding errors: measures of different rankings differ by far more."""


def bootstrap_interval(
    values: Sequence[float] | pd.Series, confidence: float = 0.95, resamples: int = 9999, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of `values`, resampling them (the queries).

    It accounts for the choice of queries, not of seeds. It is (nan, nan) for fewer than two queries, which
    have no spread.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    from scipy import stats

    interval = stats.bootstrap(
        (np.asarray(values, dtype="float64"),),
        np.mean,
        n_resamples=resamples,
        batch=max(1, 2_000_000 // len(values)),  # 16 MB at a time, however many queries there are
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def t_interval(values: Sequence[float] | pd.Series, confidence: float = 0.95) -> tuple[float, float]:
    """The t-interval of the mean of `values`: mean ± t(n - 1) * standard deviation / sqrt(n).

    It goes with the paired t-test: of paired differences it leaves out 0 where the test's p is below 1 minus
    the confidence. It is (nan, nan) for fewer than two queries.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    from scipy import stats

    array = np.asarray(values, dtype="float64")
    half = stats.t.ppf((1 + confidence) / 2, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array))
    return float(array.mean() - half), float(array.mean() + half)


def paired_t_test(values: pd.Series, baseline: pd.Series) -> float:
    """The two-sided p-value of the paired t-test on two systems' values for the same queries.

    It is 1.0 if no query differs, where the statistic would be 0/0, and nan with fewer than two queries.
    Raises ValueError if the two do not have the same queries in the same order.
    """
    if not values.index.equals(baseline.index):
        raise ValueError("a paired test needs the same queries in the same order")
    if len(values) < 2:
        return float("nan")
    if np.abs(values - baseline).max() <= ROUNDING_NOISE:
        return 1.0
    from scipy import stats

    return float(stats.ttest_rel(values, baseline).pvalue)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """The p-values of one family, adjusted by Holm's step-down method.

    Missing ones (None, nan) stay as given. Source: S. Holm, A simple sequentially rejective multiple test
    procedure, 1979.
    """
    adjusted = list(p_values)
    tested = [i for i, p in enumerate(p_values) if not pd.isna(p)]
    if tested:
        from statsmodels.stats.multitest import multipletests

        corrected = multipletests([p_values[i] for i in tested], method="holm")[1]
        for i, p in zip(tested, corrected, strict=True):
            adjusted[i] = float(p)
    return adjusted
