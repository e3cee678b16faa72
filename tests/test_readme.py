"""README.md: the table that it shows first is that of the results."""

import re

import pandas as pd

from tests.checkouts import ROOT

SHOWN = re.compile(r"<!-- table3 of laptop -->\n(.*?)<!-- end -->", re.DOTALL)


def line(row):
    """A line of a table's CSV as README prints it."""
    value = f"| {row.row} | {row.value:.3f} ± {row.sd_seeds:.3f} |"
    if pd.isna(row.gain):
        return f"{value} |"
    return f"{value} {row.gain:+.3f} ({row.gain_low:+.3f} to {row.gain_high:+.3f}) |"


def test_the_first_table_has_the_numbers_of_the_results():
    table = pd.read_csv(ROOT / "results/laptop/tables/table3.csv")
    table = table[table["measure"] == "RR@100"]
    (found,) = SHOWN.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [text for text in found.splitlines() if text.startswith("|")][2:]
    assert lines == [line(row) for row in table.itertuples()]
