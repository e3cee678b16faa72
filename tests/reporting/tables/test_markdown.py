"""A whole table in Markdown, written by hand, and what changes from study to study."""

import pandas as pd
import pytest

from sirbench.reporting.tables import markdown
from sirbench.reporting.tables.presentation import present
from sirbench.study import Row
from tests.reporting.tables.conftest import NONE, ODD, TWICE, condition, tidy_lines, values

GROUPS = {"hdct": "HDCT Top 100", "ance": "ANCE Top 100"}
FIRST_STAGE = {"hdct": {"RR@100": 0.2931, "R@100": 0.75}, "ance": {"RR@100": 0.389, "R@100": 0.8}}

GOLDEN = """\
# Table 3: fine-tuning strategies

BERT with V0 & V4.

| Model | HDCT Top 100<br>MRR@100 | HDCT Top 100<br>MRR@10 | ANCE Top 100<br>MRR@100 | ANCE Top 100<br>MRR@10 |
| :-- | --: | --: | --: | --: |
| BERT | 0.417 | **0.833** | **0.417** | **0.667** |
| V4 Top 8 | **0.833**† | 0.417‡ | **0.417** | **0.667** |

- Means over 3 dev queries, each query's values averaged over 2 seeds first. Bold: best of its column.
- † significantly better, ‡ significantly worse than v0 with the same backbone: two-sided paired t-test over \
queries on the column's own measure, p < 0.05; in parentheses where Holm's correction over the column undoes it.
- HDCT Top 100 before re-ranking: MRR@100 0.293, recall@100 0.750 (no re-ranking finds more).
- ANCE Top 100 before re-ranking: MRR@100 0.389, recall@100 0.800 (no re-ranking finds more).
"""  # noqa: E501


def shown(table, per_query, seeds=2, published=None, **more):
    tidy = tidy_lines("table3", table, per_query, list(GROUPS), seeds, published)
    return markdown.render(present(tidy, table, per_query, GROUPS, FIRST_STAGE, **more))


def test_the_whole_table(two_rows):
    assert shown(*two_rows) == GOLDEN


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
    text = shown(table, {cell: frame.iloc[:1] for cell, frame in per_query.items()}, seeds=1)
    assert "- Means over one dev query, one seed." in text
    assert "†" not in text
    assert "Not tested, for want of v0 with the same backbone, or of a second query: V4 Top 8." in text


def test_rows_left_out_are_named(two_rows):
    text = shown(*two_rows, left_out=["ELECTRA", "ELECTRA + V1"])
    assert text.endswith("- Left out, as this study lacks their backbones: ELECTRA, ELECTRA + V1.\n")


def test_a_mark_has_its_direction_where_the_baseline_is_no_row(two_rows):
    table, per_query = two_rows
    text = shown(table.model_copy(update={"rows": table.rows[1:]}), per_query)
    assert "| V4 Top 8 | **0.833**† | **0.417**‡ |" in text


def test_published_numbers_stand_beside_ours_with_a_verdict(two_rows):
    """The interval of (1, 1, .5) is .5 to 1, that of (.5, .5, .25) is .25 to .5 (see test_tables)."""
    published = pd.DataFrame(
        [
            ("table3", "bert", "v4-top-8", "hdct", "RR@100", 0.446),
            ("table3", "bert", "v4-top-8", "hdct", "RR@10", 0.440),
        ],
        columns=["table", "backbone", "recipe", "candidates", "measure", "value"],
    ).set_index(["table", "backbone", "recipe", "candidates", "measure"])
    explanation, _, grid = shown(*two_rows, published=published).partition("numbers\n\n")[2].partition("\n\n")
    assert explanation.endswith("the verdict says on which side of it the published number lies.")
    assert (
        grid
        == """\
| Model | Column | Ours | 95 % interval | Published | Difference | Verdict |
| :-- | :-- | --: | --: | --: | --: | :-- |
| V4 Top 8 | HDCT Top 100, MRR@100 | 0.833 | 0.500 to 1.000 | 0.446 | +0.387 | ours higher |
| V4 Top 8 | HDCT Top 100, MRR@10 | 0.417 | 0.250 to 0.500 | 0.440 | -0.023 | inside our 95 % interval |
"""
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
