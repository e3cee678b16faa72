"""The grid of gains beneath a table: each with its interval, and the paper's own beside it."""

from collections.abc import Callable
from math import isnan

import pandas as pd

from sirbench.reporting.tables.notes import compared_with, intervals, several_baselines
from sirbench.reporting.tables.presentation import Grid, Line, each

HEADS = ["Gain", "95 % interval", "Relative gain", "95 % interval of it"]
PAPER_HEADS = ["Paper's gain", "Paper's relative gain", "ΔRI", "Verdict"]

NO_INTERVAL = "A relative gain without interval: its baseline's own mean may be 0."
PAPER_NOTES = [
    "The paper's gains are over its own baseline. ΔRI, the difference of relative improvements (Breuer et "
    "al., SIGIR 2020), is the paper's relative gain minus ours; it is 0 where both are the same.",
    "Verdict: where our 95 % interval of the relative gain lies. compatible: it has the paper's relative "
    "gain in it, and not 0; undecided: it has both in it; lower, higher: all of it is below, above the "
    "paper's; opposite: so, and of the other sign. The paper's numbers are taken as exact, though they are "
    "rounded to three decimals and nothing is known of its seeds. Verdicts are not corrected for their "
    "number, and a wide interval is easily compatible.",
]


def gains_grid(lines: pd.DataFrame, of_column: Callable[[Line], str], over: str = "") -> list[Grid]:
    """The grid of all lines that have a gain; nothing where none has.

    Args:
        lines: of a tidy table.
        of_column: what to call the column of the printed table that a line is in.
        over: what all gains are over, in words; if empty, each is over the recipe of its baseline.
    """
    gains = lines[lines["gain"].notna()]
    if gains.empty:
        return []
    paper = bool(gains["published_gain"].notna().any())
    several = not over and several_baselines(gains)
    rows = []
    for line in each(gains):
        label = f"{line.row} over {line.baseline}" if several else str(line.row)
        rows.append([label, of_column(line), *_ours(line), *(_papers(line) if paper else [])])
    heads = ["Model", "Column", *HEADS, *(PAPER_HEADS if paper else [])]
    notes = [
        f"Gain: the difference to {over or compared_with(gains)} on the same queries; relative: divided "
        "by its mean.",
        *intervals(gains),
        *([NO_INTERVAL] if (gains["gain_low"].notna() & gains["gain_relative_low"].isna()).any() else []),
        *(PAPER_NOTES if paper else []),
    ]
    return [
        Grid(f"Gains over {over or 'the baseline'}", heads, rows, notes, words={"Model", "Column", "Verdict"})
    ]


def _ours(line: Line) -> list[str]:
    interval = _reach(line.gain_low, line.gain_high, "{:+.3f}".format)
    relative = _reach(line.gain_relative_low, line.gain_relative_high, _percent)
    return [f"{line.gain:+.3f}", interval, _or_empty(line.gain_relative, _percent), relative]


def _papers(line: Line) -> list[str]:
    return [
        _or_empty(line.published_gain, "{:+.3f}".format),
        _or_empty(line.published_gain_relative, _percent),
        _or_empty(line.delta_ri, lambda value: f"{value:+.3f}"),
        line.verdict,
    ]


def _reach(low: float, high: float, form: Callable[[float], str]) -> str:
    return "" if isnan(low) else f"{form(low)} to {form(high)}"


def _or_empty(value: float, form: Callable[[float], str]) -> str:
    return "" if isnan(value) else form(value)


def _percent(value: float) -> str:
    return f"{100 * value:+.1f} %"
