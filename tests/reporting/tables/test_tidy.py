"""The tidy table, every number of which is worked out by hand."""

from math import nan, sqrt

import pandas as pd
import pytest

from sirbench.machine.errors import InputError
from sirbench.reporting.tables.published import read_published
from sirbench.reporting.tables.tidy import verdict
from sirbench.study import Row, Table
from tests.reporting.tables.conftest import BASE, NONE, ODD, TWICE, condition, tidy_lines, values

P_OF_T5 = 1 - 5 / sqrt(27)  # two degrees of freedom: p = 1 - |t| / sqrt(2 + t^2) = .0377
P_OF_T1 = 1 - 1 / sqrt(3)  # .4226


@pytest.fixture
def four_rows():
    """One better, one worse and one undecided recipe beside the baseline, on one run and one measure."""
    table = Table(
        title="Table 3",
        caption="Strategies",
        measures=["RR@100"],
        rows=[
            Row(label="BERT", backbone="bert", recipe="v0"),
            Row(label="V4 Top 8", backbone="bert", recipe="v4-top-8"),
            Row(label="V1 Top 16", backbone="bert", recipe="v1-top-16"),
            Row(label="V3 Top 8", backbone="bert", recipe="v3-top-8"),
        ],
    )
    per_query = {
        condition("hdct", "bert", "v0"): values(RR_100=BASE),
        condition("hdct", "bert", "v4-top-8"): values(RR_100=TWICE),
        condition("hdct", "bert", "v1-top-16"): values(RR_100=NONE),
        condition("hdct", "bert", "v3-top-8"): values(RR_100=ODD),
    }
    return table, per_query


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text(
        "table,label,backbone,recipe,candidates,measure,value,significant\n"
        "table3,V4 Top 8,bert,v4-top-8,hdct,RR@100,0.75,yes\n"
        "table2,BERT,bert,v0,hdct,RR@100,0.1,no\n"
    )
    return read_published(path)


def test_the_columns_are_those_that_the_readers_of_results_rely_on(two_rows):
    table, per_query = two_rows
    frame = tidy_lines("table3", table, per_query, ["hdct", "ance"], 3, None)
    assert ",".join(frame.columns) == (
        "table,row,backbone,recipe,candidates,measure,value,ci_low,ci_high,seeds,queries,"
        "p_value,p_holm,significant,published,difference"
    )


def test_a_line_per_row_candidates_and_measure(two_rows):
    table, per_query = two_rows
    frame = tidy_lines("mine", table, per_query, ["hdct", "ance"], 3, None)
    assert frame[["row", "candidates", "measure"]].to_numpy().tolist() == [
        [row, run, measure]
        for row in ("BERT", "V4 Top 8")
        for run in ("hdct", "ance")
        for measure in ("RR@100", "RR@10")
    ]
    assert set(frame["table"]) == {"mine"}
    assert set(frame["seeds"]) == set(frame["queries"]) == {3}
    assert frame["recipe"].tolist() == ["v0"] * 4 + ["v4-top-8"] * 4


def test_means_and_intervals(four_rows):
    """With three queries a mean of three equal draws of the odd one out has probability 1/27 = 3.7 %, which
    is more than 2.5 %: the intervals reach from the lowest value to the highest."""
    frame = tidy_lines("table3", *four_rows, ["hdct"])
    assert frame["value"].tolist() == pytest.approx([5 / 12, 10 / 12, 0.0, 8 / 12])
    assert frame["ci_low"].tolist() == [0.25, 0.5, 0.0, 0.5]
    assert frame["ci_high"].tolist() == [0.5, 1.0, 0.0, 1.0]


def test_p_values_and_holm(four_rows):
    """Three tests: .0377 twice and .4226 once; Holm: .0377 * 3, then .0377 * 2 raised to it, then .4226."""
    frame = tidy_lines("table3", *four_rows, ["hdct"])
    assert frame["p_value"].tolist() == pytest.approx([nan, P_OF_T5, P_OF_T5, P_OF_T1], nan_ok=True)
    assert frame["p_holm"].tolist() == pytest.approx([nan, 3 * P_OF_T5, 3 * P_OF_T5, P_OF_T1], nan_ok=True)
    assert frame["significant"].tolist() == [False, True, True, False]


def test_each_measure_and_each_candidates_has_its_own_test_and_family(two_rows):
    table, per_query = two_rows
    per_query[condition("hdct", "bert", "v4-top-8")]["RR@10"] = [1.0, 1.0, 1.25]  # + (0, 0, .75): t = 1
    frame = tidy_lines("table3", table, per_query, ["hdct", "ance"]).iloc[4:]
    assert frame["p_value"].tolist() == pytest.approx([P_OF_T5, P_OF_T1, 1.0, 1.0])
    assert frame["p_holm"].tolist() == pytest.approx([P_OF_T5, P_OF_T1, 1.0, 1.0])
    assert frame["significant"].tolist() == [True, False, False, False]


def test_a_row_is_tested_against_its_own_backbone_only(four_rows):
    table, per_query = four_rows
    rows = [Row(label="ELECTRA + V4", backbone="electra", recipe="v4-top-8")]
    table = table.model_copy(update={"rows": rows})
    per_query[condition("hdct", "electra", "v4-top-8")] = values(RR_100=TWICE)
    untested = tidy_lines("table2", table, per_query, ["hdct"])
    assert untested[["p_value", "p_holm"]].isna().all(axis=None)
    assert not untested["significant"].any()
    per_query[condition("hdct", "electra", "v0")] = values(RR_100=BASE)  # a cell, but not a row of the table
    assert tidy_lines("table2", table, per_query, ["hdct"])["p_value"].item() == pytest.approx(P_OF_T5)


def test_another_baseline(four_rows):
    table, per_query = four_rows
    table = table.model_copy(update={"baseline": "v4-top-8"})
    frame = tidy_lines("table3", table, per_query, ["hdct"])
    assert frame["p_value"].isna().tolist() == [False, True, False, False]


def test_published_numbers_are_those_of_the_papers_table_of_that_name(four_rows, published):
    frame = tidy_lines("table3", *four_rows, ["hdct"], published=published)
    assert frame["published"].tolist() == pytest.approx([nan, 0.75, nan, nan], nan_ok=True)
    assert frame["difference"].tolist() == pytest.approx([nan, 10 / 12 - 0.75, nan, nan], nan_ok=True)


@pytest.mark.parametrize("name", ["table3", "mine"])
def test_nothing_is_published_for_another_setting_or_another_table(four_rows, published, name):
    frame = tidy_lines(name, *four_rows, ["hdct"], 1, None if name == "table3" else published)
    assert frame[["published", "difference"]].isna().all(axis=None)


def test_a_single_query_has_a_value_but_neither_interval_nor_test(four_rows):
    table, per_query = four_rows
    per_query = {cell: frame.iloc[:1] for cell, frame in per_query.items()}
    frame = tidy_lines("table3", table, per_query, ["hdct"])
    assert frame["value"].tolist() == [0.5, 1.0, 0.0, 0.5]
    assert set(frame["queries"]) == {1}
    assert frame[["ci_low", "ci_high", "p_value", "p_holm"]].isna().all(axis=None)


def test_missing_cells_are_all_named(two_rows):
    table, per_query = two_rows
    del per_query[condition("ance", "bert", "v0")], per_query[condition("hdct", "bert", "v4-top-8")]
    with pytest.raises(InputError, match=r"table3: no per-query values of ance/bert/v0, hdct/bert/v4-top-8;"):
        tidy_lines("table3", table, per_query, ["hdct", "ance"])


def test_a_missing_measure_is_named(two_rows):
    table, per_query = two_rows
    per_query[condition("ance", "bert", "v0")] = values(RR_100=BASE)
    with pytest.raises(InputError, match=r"ance/bert/v0 lacks RR@10"):
        tidy_lines("table3", table, per_query, ["hdct", "ance"])


def test_cells_about_other_queries_are_refused(four_rows):
    table, per_query = four_rows
    per_query[condition("hdct", "bert", "v1-top-16")] = per_query[
        condition("hdct", "bert", "v1-top-16")
    ].iloc[:2]
    with pytest.raises(InputError, match=r"hdct/bert/v1-top-16 and hdct/bert/v0 are about different queries"):
        tidy_lines("table3", table, per_query, ["hdct"])


def test_the_csv_reads_back_and_leaves_what_was_not_tested_empty(two_rows, tmp_path):
    frame = tidy_lines("table3", *two_rows, ["hdct", "ance"])
    frame.to_csv(tmp_path / "table3.csv", index=False)
    first = (tmp_path / "table3.csv").read_text().splitlines()[1]
    assert first == f"table3,BERT,bert,v0,hdct,RR@100,{5 / 12!r},0.25,0.5,1,3,,,False,,"
    back = pd.read_csv(tmp_path / "table3.csv")
    assert back["value"].tolist() == frame["value"].tolist()


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (0.40, "inside our 95 % interval"),
        (0.44, "inside our 95 % interval"),
        (0.39, "ours higher"),
        (0.45, "ours lower"),
    ],
)
def test_verdicts(published, expected):
    assert verdict(0.40, 0.44, published) == expected


def test_no_interval_gives_no_verdict():
    assert verdict(nan, nan, 0.4) == "no interval"
