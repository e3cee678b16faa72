"""The paper's gains beside ours: each over its own baseline, their relative difference, and a verdict."""

from math import isnan

import pandas as pd

from sirbench.evaluation.claims.verdict import ONE_SEED
from sirbench.reporting.tables.published import KEYS

PUBLISHED_COLUMNS = ["published", "published_gain", "published_gain_relative", "delta_ri", "verdict"]


def with_published(lines: pd.DataFrame, published: pd.DataFrame | None) -> pd.DataFrame:
    """The lines of a tidy table with `PUBLISHED_COLUMNS`, empty where the paper has no such number.

    * published: the paper's value in its table of the same name.
    * published_gain, published_gain_relative: its gain over its own row of the line's baseline, in the same
      table, with the same backbone, candidates and measure: absolute, and over that baseline's value.
    * delta_ri: the difference of relative improvements (T. Breuer et al., How to measure the reproducibility
      of system-oriented IR experiments, SIGIR 2020; Delta RI in repro_eval): the paper's relative gain minus
      ours. It is 0 where both are the same, and above 0 where ours is smaller.
    * verdict: see `verdict`.

    Args:
        lines: of `tidy_table`.
        published: the paper's numbers as `read_published` returns them; None where the study does not repeat
            the paper's setting.
    """
    places = lines[KEYS]
    paper = _values(places, published)
    papers_baseline = _values(places.assign(recipe=lines["baseline"]), published)
    relative = (paper - papers_baseline) / papers_baseline
    ours = lines[["gain_relative_low", "gain_relative_high", "gain_over"]].itertuples(index=False, name=None)
    verdicts = [verdict(low, high, over, of) for (low, high, over), of in zip(ours, relative, strict=True)]
    return lines.assign(
        published=paper,
        published_gain=paper - papers_baseline,
        published_gain_relative=relative,
        delta_ri=relative - lines["gain_relative"],
        verdict=verdicts,
    )


def verdict(low: float, high: float, over: str, paper: float) -> str:
    """What the 95 % interval of our relative gain says of the paper's relative gain, in a word.

    "compatible": it has the paper's gain in it, and not 0 (unless that is the paper's); "undecided": it has
    both in it; "lower" or "higher": all of ours is below, or above, the paper's; "opposite": so, and of the
    other sign. The paper's gain is taken as exact; the ends belong to the interval. Nothing is said without
    a gain of the paper or of ours, and of one seed only that nothing can be.

    Args:
        low, high: the interval.
        over: what it generalises over.
        paper: the paper's relative gain.
    """
    if isnan(paper) or not over:
        return ""
    if over != "queries and seeds":
        return ONE_SEED
    if low <= paper <= high:
        return "undecided" if low <= 0 <= high and paper else "compatible"
    if (paper > 0 > high) or (paper < 0 < low):
        return "opposite"
    return "lower" if high < paper else "higher"


def _values(places: pd.DataFrame, published: pd.DataFrame | None) -> pd.Series:
    """The paper's values at some places."""
    if published is None:
        return pd.Series(float("nan"), index=places.index)
    found = published["value"].reindex(pd.MultiIndex.from_frame(places[KEYS]))
    return pd.Series(found.to_numpy(), index=places.index)
