"""A whole table in Markdown, written by hand, and what changes from study to study."""

import pandas as pd
import pytest

from sirbench.reporting.tables import markdown
from sirbench.reporting.tables.printed import present
from sirbench.study import Row
from tests.reporting.tables.conftest import (
    NONE,
    ODD,
    TWICE,
    condition,
    tidy_lines,
    trainings,
    two_seeds,
    values,
)

GROUPS = {"hdct": "HDCT Top 100", "ance": "ANCE Top 100"}
FIRST_STAGE = {"hdct": {"RR@100": 0.2931, "R@100": 0.75}, "ance": {"RR@100": 0.389, "R@100": 0.8}}

GOLDEN = """\
# Table 3: fine-tuning strategies

BERT with V0 & V4.

| Model | HDCT Top 100<br>MRR@100 | HDCT Top 100<br>MRR@10 | ANCE Top 100<br>MRR@100 | ANCE Top 100<br>MRR@10 |
| :-- | --: | --: | --: | --: |
| BERT | 0.417 ± 0.014 | **0.833** ± 0.014 | **0.417** ± 0.014 | **0.667** ± 0.014 |
| V4 Top 8 | **0.833**† ± 0.014 | 0.417‡ ± 0.014 | **0.417** ± 0.014 | **0.667** ± 0.014 |

- Means over 3 dev queries and 2 seeds. ± is the standard deviation from seed to seed of the mean over queries. \
Bold: highest of its column, by however little.
- † better, ‡ worse than v0 with the same backbone by the paper's test: two-sided paired t-test over queries on the \
column's own measure, p < 0.05; in parentheses where Holm's correction over the column undoes it. A mark says that \
these trained models differ by more than the choice of queries explains; it does not say that models of other seeds \
would.
- HDCT Top 100 before re-ranking: MRR@100 0.293, recall@100 0.750 (no re-ranking finds more).
- ANCE Top 100 before re-ranking: MRR@100 0.389, recall@100 0.800 (no re-ranking finds more).

## Gains over the baseline

| Model | Column | Gain | 95 % interval | Relative gain | 95 % interval of it |
| :-- | :-- | --: | --: | --: | --: |
| V4 Top 8 | HDCT Top 100, MRR@100 | +0.417 | +0.058 to +0.775 | +100.0 % | +68.5 % to +185.2 % |
| V4 Top 8 | HDCT Top 100, MRR@10 | -0.417 | -0.775 to -0.058 | -50.0 % | -64.9 % to -40.7 % |
| V4 Top 8 | ANCE Top 100, MRR@100 | +0.000 | +0.000 to +0.000 | +0.0 % | +0.0 % to +0.0 % |
| V4 Top 8 | ANCE Top 100, MRR@10 | +0.000 | +0.000 to +0.000 | +0.0 % |  |

- Gain: the difference to v0 with the same backbone on the same queries; relative: divided by its mean.
- 95 % intervals are over queries and seeds together (docs/claims.md), each by itself: one of twenty is expected to \
miss the gain that it is about.
- A relative gain without interval: its baseline's own mean may be 0.
"""  # noqa: E501
"""Seeds shift all recipes alike, by -.01 and .01: their SD is .02 / sqrt(2), and gains have none of it.
At the ends r of a relative gain, |mean of V4 - (1 + r) V0| is t sqrt(V): V is (1 - r)^2 / 144 for the queries
(Student's t with two degrees of freedom) plus (.01 r)^2 for the seeds (with one), t their mean weighted by
these. In the second line, whose baseline is the larger, (1/2 + r)^2 / 36. In the last the baseline is 2/3,
which is 4 standard errors of 1/6, and t is 4.3: it may be 0."""


def shown(table, per_query, published=None, **more):
    tidy = tidy_lines("table3", table, per_query, list(GROUPS), published)
    return markdown.render(present(tidy, table, trainings(per_query), GROUPS, FIRST_STAGE, **more))


def in_two_seeds(per_query):
    return {one: two_seeds(frame) for one, frame in per_query.items()}


def test_the_whole_table(two_rows):
    table, per_query = two_rows
    assert shown(table, in_two_seeds(per_query)) == GOLDEN


def test_a_mark_that_holm_undoes_stands_in_parentheses(two_rows):
    """Three tests a column: V4's and V1's p of .0377 becomes .113."""
    table, per_query = two_rows
    more = {"v1-top-16": "V1 Top 16", "v3-top-8": "V3 Top 8"}
    rows = [*table.rows, *(Row(label=label, backbone="bert", recipe=name) for name, label in more.items())]
    for run in GROUPS:
        per_query[condition(run, "bert", "v1-top-16")] = values(RR_100=NONE, RR_10=NONE)
        per_query[condition(run, "bert", "v3-top-8")] = values(RR_100=ODD, RR_10=ODD)
    text = shown(table.model_copy(update={"rows": rows}), per_query)
    assert "| V4 Top 8 | **0.833**(†) |" in text
    assert "| V1 Top 16 | 0.000(‡) |" in text
    assert "| V3 Top 8 | 0.667 |" in text


def test_what_prints_equal_is_equally_bold(two_rows):
    table, per_query = two_rows
    per_query[condition("ance", "bert", "v4-top-8")]["RR@100"] += 1e-5
    assert "| BERT | 0.417 | **0.833** | **0.417** | **0.667** |" in shown(table, per_query)


def test_a_demonstration_says_so_before_anything_else_but_the_title(two_rows):
    lines = shown(*two_rows, demonstration=True).splitlines()
    assert lines[2] == (
        "> **DEMONSTRATION ONLY: these numbers mean nothing. They show that the suite runs; "
        "do not cite or compare them.**"
    )


def test_a_single_seed_and_a_single_query(two_rows):
    table, per_query = two_rows
    text = shown(table, {cell: frame.iloc[:1] for cell, frame in per_query.items()})
    assert "- Means over one dev query, one seed: how far other seeds would lie is not known." in text
    assert "†" not in text and "±" not in text
    assert "Not tested: of a single query nothing follows for others." in text
    assert "| V4 Top 8 | HDCT Top 100, MRR@100 | +0.500 |  | +100.0 % |  |" in text


def test_of_one_seed_the_intervals_are_over_queries_alone(two_rows):
    text = shown(*two_rows)
    assert (
        "- 95 % intervals are over queries alone: they are about these trained models, and say nothing of "
        "other seeds."
    ) in text
    assert "queries and seeds" not in text


def test_claims_are_pointed_to_where_there_are_some(two_rows):
    sentence = "For what may be said of the recipes see the target claims (docs/claims.md)."
    assert sentence in shown(*two_rows, claimed=True) and sentence not in shown(*two_rows)


def test_a_baseline_without_a_result_is_named(two_rows):
    table, per_query = two_rows
    del per_query[condition("hdct", "bert", "v0")], per_query[condition("ance", "bert", "v0")]
    text = shown(table.model_copy(update={"rows": table.rows[1:]}), per_query)
    assert "No gain and no test, for want of a result of v0 with the same backbone: V4 Top 8." in text
    assert "Gains over the baseline" not in text and "†" not in text


def test_rows_with_another_baseline_are_named(two_rows):
    table, per_query = two_rows
    for run in GROUPS:
        per_query[condition(run, "bert", "v3-top-8")] = values(RR_100=ODD, RR_10=ODD)
    row = Row(label="V3", backbone="bert", recipe="v3-top-8", baseline="v4-top-8")
    text = shown(table.model_copy(update={"rows": [*table.rows, row]}), per_query)
    assert "worse than v0 with the same backbone (V3: v4-top-8) by the paper's test" in text
    assert "- Gain: the difference to v0 with the same backbone (V3: v4-top-8) on the same queries" in text
    assert "| V3 over v4-top-8 | HDCT Top 100, MRR@100 | -0.167 |" in text


def diverged(two_rows, recipe, *runs):
    """The table with all seeds of a recipe diverged, on these candidates; of all else there are two seeds."""
    table, per_query = two_rows
    reasons = {condition(run, "bert", recipe): ["NaN", "NaN"] for run in runs}
    return shown(table, in_two_seeds(per_query) | reasons)


def test_a_row_that_diverged_says_so_in_its_place_and_why_below(two_rows):
    text = diverged(two_rows, "v4-top-8", "hdct")
    assert "| V4 Top 8 | diverged | diverged | **0.417** ± 0.014 | **0.667** ± 0.014 |" in text
    assert "- V4 Top 8, HDCT Top 100: 0 of 2 seeds converged (seed 1: NaN; seed 2: NaN)." in text
    assert "Means are over the seeds that converged." not in text


def test_a_baseline_that_diverged_leaves_one_message_no_gains_and_no_marks(two_rows):
    text = diverged(two_rows, "v0", "hdct", "ance")
    assert text.count("0 of 2 seeds converged") == 1
    assert (
        "- No gains and no tests of V4 Top 8 (HDCT Top 100, ANCE Top 100), since the baseline, bert with v0, "
        "diverged: 0 of 2 seeds converged (seed 1: NaN; seed 2: NaN)."
    ) in text
    assert "| V4 Top 8 | **0.833** ± 0.014 | **0.417** ± 0.014 |" in text
    assert "†" not in text and "Gains over the baseline" not in text


@pytest.mark.parametrize(
    ("runs", "label"),
    [
        (["hdct", "ance"], "V4 Top 8 (1 of 2 seeds)"),
        (["ance"], "V4 Top 8 (ANCE Top 100: 1 of 2 seeds)"),
    ],
)
def test_a_row_of_fewer_seeds_says_so_beside_its_name(two_rows, runs, label):
    table, per_query = two_rows
    seeds = in_two_seeds(per_query)
    for run in runs:
        seeds[condition(run, "bert", "v4-top-8")][0] = "the loss is NaN"
    text = shown(table, seeds)
    assert f"| {label} |" in text
    assert "- V4 Top 8, ANCE Top 100: 1 of 2 seeds converged (seed 1: the loss is NaN)." in text
    assert "- Means are over the seeds that converged." in text
    assert "- 95 % intervals of V4 Top 8 are over queries alone" in text or len(runs) == 2


def test_rows_left_out_are_named(two_rows):
    text = shown(*two_rows, left_out=["ELECTRA", "ELECTRA + V1"])
    assert "- Left out, as this study lacks their backbones: ELECTRA, ELECTRA + V1.\n" in text


def test_a_mark_has_its_direction_where_the_baseline_is_no_row(two_rows):
    table, per_query = two_rows
    text = shown(table.model_copy(update={"rows": table.rows[1:]}), per_query)
    assert "| V4 Top 8 | **0.833**† | **0.417**‡ |" in text


def test_the_papers_gains_stand_beside_ours_with_a_verdict(two_rows):
    """Theirs: .5 to .6, which is 20 %; ours: 100 %, and at least 68.5 %."""
    table, per_query = two_rows
    keys = ["table", "backbone", "recipe", "candidates", "measure"]
    places = [("table3", "bert", recipe, "hdct", "RR@100") for recipe in ("v0", "v4-top-8")]
    published = pd.DataFrame(places, columns=keys).set_index(keys).assign(value=[0.5, 0.6])
    text = shown(table, in_two_seeds(per_query), published)
    _, _, _, first, second, *_ = text.partition("## Gains")[2].split("\n| ")
    assert "| Paper's gain | Paper's relative gain | ΔRI | Verdict |" in text
    assert first == (
        "V4 Top 8 | HDCT Top 100, MRR@100 | +0.417 | +0.058 to +0.775 | +100.0 % | +68.5 % to +185.2 % | "
        "+0.100 | +20.0 % | -0.800 | higher |"
    )
    assert second.endswith("-64.9 % to -40.7 % |  |  |  |  |")
    assert (
        "ΔRI, the difference of relative improvements" in text and "Verdict: where our 95 % interval" in text
    )


def readings(two_rows, *cpr):
    """The notes of a table whose rows have these readings of Eq. 7."""
    table, per_query = two_rows
    tidy = tidy_lines("table3", table, per_query, list(GROUPS))
    of_rows = dict(zip(("v0", "v4-top-8"), cpr, strict=True))
    tidy["cpr"] = tidy["recipe"].map(of_rows)
    return present(tidy, table, trainings(per_query), GROUPS, {}).notes


def test_the_reading_of_eq_7_is_named(two_rows):
    assert "V4: CPR of Eq. 7 read as product (docs/cpr.md)." in readings(two_rows, "", "product")
    assert not any("CPR" in note for note in readings(two_rows, "", ""))
    assert "CPR of Eq. 7 read as literal: BERT; product: V4 Top 8 (docs/cpr.md)." in readings(
        two_rows, "literal", "product"
    )


@pytest.mark.parametrize(("label", "escaped"), [("a|b", r"a\|b"), ("*V_4*", r"\*V\_4\*")])
def test_labels_cannot_break_the_table(two_rows, label, escaped):
    table, per_query = two_rows
    rows = [table.rows[0].model_copy(update={"label": label}), table.rows[1]]
    assert f"| {escaped} | 0.417 |" in shown(table.model_copy(update={"rows": rows}), per_query)


def test_the_papers_names_of_measures(two_rows):
    table, per_query = two_rows
    table = table.model_copy(update={"measures": ["AP@20", "nDCG@20", "P@5"]})
    per_query = {cell: values(AP_20=TWICE, nDCG_20=TWICE, P_5=TWICE) for cell in per_query}
    assert "HDCT Top 100<br>MAP@20 | HDCT Top 100<br>NDCG@20 | HDCT Top 100<br>P@5" in shown(table, per_query)


def test_what_a_row_costs_is_printed_where_the_table_asks(two_rows):
    table, per_query = two_rows
    tidy = tidy_lines("table3", table, per_query, ["hdct"])
    tidy["pairs"] = tidy["row"].map({table.rows[0].label: 4.0, table.rows[1].label: 1304.0})
    for asked in (False, True):
        shown = present(tidy, table.model_copy(update={"cost": asked}), trainings(per_query), GROUPS, {})
        assert ("What a row costs" in markdown.render(shown)) is asked
    rows = [[row.label, cost] for row, cost in zip(table.rows, ("4", "1,304"), strict=True)]
    assert shown.grids[-1].rows == rows
