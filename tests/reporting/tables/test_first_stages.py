"""The table of first stages: numbers worked out by hand, marks, and what could not be tested."""

from math import nan, sqrt

import pytest

from sirbench.machine.errors import InputError
from sirbench.reporting.tables import latex, markdown
from sirbench.reporting.tables.first_stages import present_first_stages, tidy_first_stages
from sirbench.reporting.tables.tidy import COLUMNS
from sirbench.study import Table
from tests.reporting.tables.conftest import BASE, NONE, ODD, TWICE, of_seeds, values

P_OF_T5 = 1 - 5 / sqrt(27)  # as in test_tables.py: two degrees of freedom
P_OF_T1 = 1 - 1 / sqrt(3)
TITLES = {"bm25": "BM25", "hdct": "HDCT", "ance": "ANCE", "worse": "Worse"}


@pytest.fixture
def table():
    return Table(
        title="First stages",
        caption="As they are.",
        of="candidates",
        baseline="bm25",
        measures=["RR@10", "R@100"],
    )


@pytest.fixture
def per_query():
    return {
        "bm25": values(RR_10=BASE, R_100=ODD),
        "hdct": values(RR_10=TWICE, R_100=ODD),
        "ance": values(RR_10=ODD, R_100=ODD),
        "worse": values(RR_10=NONE, R_100=ODD),
    }


def of_candidates(per_query):
    return {name: of_seeds(name, [frame]) for name, frame in per_query.items()}


def printed(table, per_query, titles=TITLES, **options):
    tidy = tidy_first_stages("firststage", table, of_candidates(per_query), titles)
    return present_first_stages(tidy, table, 100, **options)


def test_a_line_per_candidates_and_measure_in_the_columns_of_every_table(table, per_query):
    frame = tidy_first_stages("firststage", table, of_candidates(per_query), TITLES)
    assert list(frame.columns) == COLUMNS
    assert frame[["row", "candidates", "measure"]].to_numpy().tolist() == [
        [title, name, measure] for name, title in TITLES.items() for measure in ("RR@10", "R@100")
    ]
    assert set(frame["backbone"]) == set(frame["recipe"]) == {""}
    assert set(frame["table"]) == {"firststage"}
    assert frame["published"].isna().all()


def test_means_and_tests_against_the_baseline(table, per_query):
    """RR@10: three tests, .0377 twice and .4226; R@100: three tests of equal values."""
    frame = tidy_first_stages("firststage", table, of_candidates(per_query), TITLES)
    first = frame[frame["measure"] == "RR@10"]
    assert first["value"].tolist() == pytest.approx([5 / 12, 10 / 12, 8 / 12, 0.0])
    assert first["p_paired_t"].tolist() == pytest.approx([nan, P_OF_T5, P_OF_T1, P_OF_T5], nan_ok=True)
    assert first["p_paired_t_holm"].tolist() == pytest.approx(
        [nan, 3 * P_OF_T5, P_OF_T1, 3 * P_OF_T5], nan_ok=True
    )
    assert first["dagger"].tolist() == [False, True, False, True]
    assert first["gain"].tolist() == pytest.approx([nan, 5 / 12, 1 / 4, -5 / 12], nan_ok=True)
    assert first["gain_over"].tolist() == ["", *["queries"] * 3]
    recall = frame[frame["measure"] == "R@100"]
    assert recall["p_paired_t"].tolist() == pytest.approx([nan, 1, 1, 1], nan_ok=True)


def test_marks_say_the_direction_and_what_holm_undoes(table, per_query):
    rows = {row.label: row.numbers[0] for row in printed(table, per_query).rows}
    assert {label: number.mark for label, number in rows.items()} == {
        **{"BM25": "", "HDCT": "(†)", "ANCE": "", "Worse": "(‡)"}
    }
    assert [label for label, number in rows.items() if number.best] == ["HDCT"]


def test_every_format_has_it(table, per_query):
    shown = printed(table, per_query)
    lines = markdown.render(shown).splitlines()
    assert "| First stage | Top 100<br>MRR@10 | Top 100<br>recall@100 |" in lines
    assert "| HDCT | **0.833**(†) | **0.667** |" in lines
    assert r"HDCT & \textbf{0.833}\rlap{\textsuperscript{($\dagger$)}} & \textbf{0.667} \\" in latex.render(
        shown
    )


def test_a_study_without_the_baseline_says_so_and_tests_nothing(table, per_query):
    del per_query["bm25"]
    titles = {name: title for name, title in TITLES.items() if name != "bm25"}
    shown = printed(table, per_query, titles)
    assert [row.label for row in shown.rows] == ["HDCT", "ANCE", "Worse"]
    assert not any(number.mark for row in shown.rows for number in row.numbers)
    assert "Not tested, for want of bm25 in this study, or of a second query." in shown.notes


def test_the_baseline_alone_says_that_there_is_nothing_to_test(table, per_query):
    shown = printed(table, {"bm25": per_query["bm25"]}, {"bm25": "BM25"})
    assert "Not tested: bm25 is the only first stage of this study." in shown.notes


def test_a_baseline_that_is_no_row_is_tested_against_all_the_same(table, per_query):
    shown = printed(table, per_query, {"hdct": "HDCT"})
    assert [(row.label, row.numbers[0].mark) for row in shown.rows] == [("HDCT", "†")]  # a family of one


def test_a_demonstration_says_that_it_is_one(table, per_query):
    assert "DEMONSTRATION" in printed(table, per_query, demonstration=True).warning


def test_candidates_evaluated_before_the_table_asked_for_a_measure_are_named(table, per_query):
    del per_query["ance"]["R@100"]
    with pytest.raises(InputError, match=r"firststage: ance lacks R@100; evaluate it again"):
        tidy_first_stages("firststage", table, of_candidates(per_query), TITLES)


def test_candidates_about_other_queries_are_refused(table, per_query):
    per_query["ance"] = per_query["ance"].iloc[:2]
    with pytest.raises(InputError, match="ance and bm25 are about different queries"):
        tidy_first_stages("firststage", table, of_candidates(per_query), TITLES)
