"""A study small enough to work out on paper: three queries, whose t-tests have two degrees of freedom."""

import pandas as pd
import pytest

from sirbench.evaluation.claims.measured import Trainings
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


def two_seeds(frame, apart=0.02):
    """Two seeds, so far apart at every query, whose mean is the frame: sd_seeds is apart / sqrt(2)."""
    return [frame - apart / 2, frame + apart / 2]


def condition(candidates, backbone, recipe):
    """What a number of study `mine` is about."""
    return Condition("mine", candidates, backbone, recipe)


def trainings(per_query):
    """What was measured, from a frame (one seed), frames by seed, or the reason of a seed that diverged."""
    return {one: of_seeds(one, it if isinstance(it, list) else [it]) for one, it in per_query.items()}


def of_seeds(one, given):
    numbered = dict(enumerate(given, start=1))
    diverged = {seed: why for seed, why in numbered.items() if isinstance(why, str)}
    frames = {seed: frame for seed, frame in numbered.items() if seed not in diverged}
    return Trainings(one if isinstance(one, str) else one.name, frames, diverged)


def tidy_lines(name, table, per_query, candidates, published=None):
    """The tidy table of all rows, each with all of these candidates."""
    places = [(row, condition(run, row.backbone, row.recipe)) for row in table.rows for run in candidates]
    return tidy_table(name, table, places, trainings(per_query), published)


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


@pytest.fixture
def four_rows():
    """One better, one worse and one undecided recipe beside the baseline, on one run and one measure."""
    rows = {"BERT": "v0", "V4 Top 8": "v4-top-8", "V1 Top 16": "v1-top-16", "V3 Top 8": "v3-top-8"}
    table = Table(
        title="Table 3",
        caption="Strategies",
        measures=["RR@100"],
        rows=[Row(label=label, backbone="bert", recipe=recipe) for label, recipe in rows.items()],
    )
    per_query = {
        condition("hdct", "bert", "v0"): values(RR_100=BASE),
        condition("hdct", "bert", "v4-top-8"): values(RR_100=TWICE),
        condition("hdct", "bert", "v1-top-16"): values(RR_100=NONE),
        condition("hdct", "bert", "v3-top-8"): values(RR_100=ODD),
    }
    return table, per_query
