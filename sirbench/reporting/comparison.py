"""Runs side by side as text: a block for each measure, a line for each run."""

import pandas as pd

from sirbench.evaluation.comparison import Interval

WORDS = {
    "bootstrap": "percentile bootstrap over queries (9999 resamples)",
    "t": "t-interval over queries",
}


def as_text(table: pd.DataFrame, interval: Interval) -> str:
    """What `sirbench.evaluation.comparison.compare` returned, in columns that are aligned by blanks."""
    alone = table["run"].nunique() == 1
    first, queries = table["run"].iloc[0], table["queries"].iloc[0]
    heads = ["mean", "95 % interval", *([] if alone else ["difference", "95 % interval", "p", "Holm"])]
    blocks = []
    for measure, lines in table.groupby("measure", sort=False):
        rows = [[str(measure), *heads], *(_cells(line, alone) for _, line in lines.iterrows())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        blocks.append("\n".join(_aligned(row, widths) for row in rows))
    notes = [f"{queries} queries with a relevant document. Intervals: {WORDS[interval]}."]
    if not alone:
        notes.append(
            f"Differences: {first} minus the run of the line. p: two-sided paired t-test over queries; "
            "Holm: corrected over all tests of the same measure."
        )
    return "\n\n".join([*blocks, "\n".join(notes)]) + "\n"


def _cells(line: pd.Series, alone: bool) -> list[str]:
    shown = [line["run"], f"{line['mean']:.4f}", _interval(line["ci_low"], line["ci_high"], "")]
    if alone:
        return shown
    if pd.isna(line["difference"]):
        return [*shown, "", "", "", ""]
    difference = _interval(line["difference_low"], line["difference_high"], "+")
    p_values = (f"{line[name]:.2g}" for name in ("p_value", "p_holm"))
    return [*shown, f"{line['difference']:+.4f}", difference, *p_values]


def _interval(low: float, high: float, sign: str) -> str:
    return "" if pd.isna(low) else f"{low:{sign}.4f} to {high:{sign}.4f}"


def _aligned(row: list[str], widths: list[int]) -> str:
    label, *numbers = (
        cell.rjust(width) if number else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([label, *numbers]).rstrip()
