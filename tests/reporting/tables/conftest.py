"""A study small enough to work out on paper: three queries, whose t-tests have two degrees of freedom."""

import pandas as pd
import pytest

from sirbench.jobs.folders import Condition
from sirbench.reporting.tables.tidy import tidy_table
from sirbench.study import Row, Table

BASE, TWICE, NONE, ODD = [0.5, 0.5, 0.25], [1.0, 1.0, 0.5], [0.0, 0.0, 0.0], [0.5, 0.5, 1.0]
"""Per-query values. TWICE and NONE differ from BASE by +-(.5, .5, .25): mean 5/12, standard error 1/12,
t = 5. ODD differs by (0, 0, .75): mean 1/4, standard error 1/4, t = 1."""


def values(**columns):
    """Per-query values of the queries 1, 2, 3; a keyword RR_100 becomes the measure RR@100."""
    index = pd.Index(["1", "2", "3"], name="query_id")
    return pd.DataFrame({name.replace("_", "@"): column for name, column in columns.items()}, index=index)


def condition(candidates, backbone, recipe):
    """What a number of study `mine` is about."""
    return Condition("mine", candidates, backbone, recipe)


def tidy_lines(name, table, per_query, candidates, seeds=1, published=None):
    """The tidy table of all rows, each with all of these candidates."""
    places = [(row, condition(run, row.backbone, row.recipe)) for row in table.rows for run in candidates]
    return tidy_table(name, table, places, per_query, seeds, published)


@pytest.fixture
def two_rows():
    """The baseline and one recipe on two candidates; better, worse, and twice the same."""
    table = Table(
        title="Table 3: fine-tuning strategies",
        caption="BERT with V0 & V4.",
        measures=["RR@100", "RR@10"],
        rows=[
            Row(label="BERT", backbone="bert", recipe="v0"),
            Row(label="V4 Top 8", backbone="bert", recipe="v4-top-8", rule_above=True),
        ],
    )
    per_query = {
        condition("hdct", "bert", "v0"): values(RR_100=BASE, RR_10=TWICE),
        condition("hdct", "bert", "v4-top-8"): values(RR_100=TWICE, RR_10=BASE),
        condition("ance", "bert", "v0"): values(RR_100=BASE, RR_10=ODD),
        condition("ance", "bert", "v4-top-8"): values(RR_100=BASE, RR_10=ODD),
    }
    return table, per_query
