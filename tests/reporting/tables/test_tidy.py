"""The tidy table, every number of which is worked out by hand."""

from math import nan, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sirbench.machine.errors import InputError
from sirbench.study import Row
from tests.reporting.tables.conftest import BASE, ODD, TWICE, condition, tidy_lines, two_seeds, values

P_OF_T5 = 1 - 5 / sqrt(27)  # two degrees of freedom: p = 1 - |t| / sqrt(2 + t^2) = .0377
P_OF_T1 = 1 - 1 / sqrt(3)  # .4226


def test_the_columns_are_those_that_the_readers_of_results_rely_on(two_rows):
    table, per_query = two_rows
    frame = tidy_lines("table3", table, per_query, ["hdct", "ance"])
    assert ",".join(frame.columns) == (
        "table,row,backbone,recipe,cpr,candidates,measure,value,ci_low,ci_high,sd_seeds,seeds,queries,"
        "baseline,baseline_value,gain,gain_low,gain_high,gain_relative,gain_relative_low,gain_relative_high,"
        "gain_over,gain_of_seeds,p_paired_t,p_paired_t_holm,dagger,"
        "published,published_gain,published_gain_relative,delta_ri,verdict,diverged,negatives,on,pairs"
    )


def test_a_line_per_row_candidates_and_measure(two_rows):
    table, per_query = two_rows
    frame = tidy_lines("mine", table, per_query, ["hdct", "ance"])
    assert frame[["row", "candidates", "measure"]].to_numpy().tolist() == [
        [row, run, measure]
        for row in ("BERT", "V4 Top 8")
        for run in ("hdct", "ance")
        for measure in ("RR@100", "RR@10")
    ]
    assert set(frame["table"]) == {"mine"}
    assert (set(frame["seeds"]), set(frame["queries"])) == ({1}, {3})
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
    assert frame["p_paired_t"].tolist() == pytest.approx([nan, P_OF_T5, P_OF_T5, P_OF_T1], nan_ok=True)
    corrected = [nan, 3 * P_OF_T5, 3 * P_OF_T5, P_OF_T1]
    assert frame["p_paired_t_holm"].tolist() == pytest.approx(corrected, nan_ok=True)
    assert frame["dagger"].tolist() == [False, True, True, False]


def test_each_measure_and_each_candidates_has_its_own_test_and_family(two_rows):
    table, per_query = two_rows
    per_query[condition("hdct", "bert", "v4-top-8")]["RR@10"] = [1.0, 1.0, 1.25]  # + (0, 0, .75): t = 1
    frame = tidy_lines("table3", table, per_query, ["hdct", "ance"]).iloc[4:]
    assert frame["p_paired_t"].tolist() == pytest.approx([P_OF_T5, P_OF_T1, 1.0, 1.0])
    assert frame["p_paired_t_holm"].tolist() == pytest.approx([P_OF_T5, P_OF_T1, 1.0, 1.0])
    assert frame["dagger"].tolist() == [True, False, False, False]


def test_a_row_is_tested_against_its_own_backbone_only(four_rows):
    table, per_query = four_rows
    rows = [Row(label="ELECTRA + V4", backbone="electra", recipe="v4-top-8")]
    table = table.model_copy(update={"rows": rows})
    per_query[condition("hdct", "electra", "v4-top-8")] = values(RR_100=TWICE)
    untested = tidy_lines("table2", table, per_query, ["hdct"])
    assert untested[["p_paired_t", "p_paired_t_holm"]].isna().all(axis=None)
    assert not untested["dagger"].any()
    per_query[condition("hdct", "electra", "v0")] = values(RR_100=BASE)  # a cell, but not a row of the table
    assert tidy_lines("table2", table, per_query, ["hdct"])["p_paired_t"].item() == pytest.approx(P_OF_T5)


T_95 = 4.302652729911275
"""Student's t with two degrees of freedom, for 95 %: (1 - .05) * sqrt(2 / (1 - .95^2))."""


def test_t_of_two_degrees_of_freedom_by_its_closed_form():
    assert pytest.approx(0.95 * sqrt(2 / (1 - 0.95**2))) == T_95


def test_the_gain_of_one_seed_has_the_interval_of_the_paired_t_test(four_rows):
    """Differences of mean 5/12 and standard error 1/12, or 1/4 and 1/4."""
    frame = tidy_lines("table3", *four_rows, ["hdct"]).iloc[1:].set_index("row")
    assert set(frame["baseline"]) == {"v0"} and set(frame["gain_over"]) == {"queries"}
    assert frame["baseline_value"].tolist() == pytest.approx([5 / 12] * 3)
    assert frame["gain"].tolist() == pytest.approx([5 / 12, -5 / 12, 1 / 4])
    standard_errors = pd.Series([1 / 12, 1 / 12, 1 / 4], frame.index)
    low, high = (frame["gain"] + sign * T_95 * standard_errors for sign in (-1, 1))
    assert frame["gain_low"].tolist() == pytest.approx(low.tolist())
    assert frame["gain_high"].tolist() == pytest.approx(high.tolist())
    assert frame["sd_seeds"].isna().all()


def test_the_relative_gain_has_fiellers_interval(four_rows):
    """TWICE is twice BASE at every query, and NONE none of it: without any variance. For ODD over BASE the
    ends are the roots of a quadratic, from the means 2/3 and 5/12, their variances 1/36 and 1/144, and
    covariance -1/72."""
    frame = tidy_lines("table3", *four_rows, ["hdct"]).iloc[1:].set_index("row")
    assert frame["gain_relative"].tolist() == pytest.approx([1.0, -1.0, 0.6])
    a, b, t = 2 / 3, 5 / 12, T_95
    quadratic = [b**2 - t**2 / 144, -2 * (a * b + t**2 / 72), a**2 - t**2 / 36]
    low, high = sorted(root - 1 for root in np.roots(quadratic))
    assert frame["gain_relative_low"].tolist() == pytest.approx([1.0, -1.0, low])
    assert frame["gain_relative_high"].tolist() == pytest.approx([1.0, -1.0, high])


def test_with_several_seeds_the_gain_generalises_over_them(four_rows):
    """All queries differ alike in ODD + d: what is left is the t-test over the seeds' d."""
    table, per_query = four_rows
    per_query[condition("hdct", "bert", "v0")] = [values(RR_100=ODD)] * 3
    better = [values(RR_100=[it + d for it in ODD]) for d in (0.01, 0.04, 0.02)]
    per_query[condition("hdct", "bert", "v4-top-8")] = better
    line = tidy_lines("table3", table, per_query, ["hdct"]).iloc[1]
    expected = stats.ttest_1samp([0.01, 0.04, 0.02], 0).confidence_interval()
    assert (line["gain_low"], line["gain_high"]) == pytest.approx(tuple(expected))
    assert line["gain_over"] == "queries and seeds"
    assert [float(of) for of in line["gain_of_seeds"].split()] == pytest.approx([0.01, 0.04, 0.02])
    assert line["sd_seeds"] == pytest.approx(sqrt((0.04**2 + 0.05**2 + 0.01**2) / 9 / 2))
    assert line["value"] == pytest.approx(2 / 3 + 0.07 / 3)
    assert line["p_paired_t"] < 1e-9  # the paper's test knows nothing of seeds


def test_the_spread_over_seeds_is_that_of_their_means(four_rows):
    table, per_query = four_rows
    per_query[condition("hdct", "bert", "v3-top-8")] = two_seeds(values(RR_100=ODD), apart=0.2)
    frame = tidy_lines("table3", table, per_query, ["hdct"])
    assert frame["sd_seeds"].tolist() == pytest.approx([nan, nan, nan, 0.2 / sqrt(2)], nan_ok=True)
    assert frame["seeds"].tolist() == [1, 1, 1, 2]
    assert frame.iloc[3]["gain_over"] == "queries"  # of V0 there is one seed


def test_a_row_may_have_a_baseline_of_its_own(four_rows):
    table, per_query = four_rows
    rows = [*table.rows[:3], table.rows[3].model_copy(update={"baseline": "v4-top-8"})]
    frame = tidy_lines("table3", table.model_copy(update={"rows": rows}), per_query, ["hdct"])
    assert frame["baseline"].tolist() == ["", "v0", "v0", "v4-top-8"]
    assert frame.iloc[3]["gain"] == pytest.approx(8 / 12 - 10 / 12)
    assert frame.iloc[3]["baseline_value"] == pytest.approx(10 / 12)


def test_a_seed_that_diverged_is_counted_and_left_out(four_rows):
    table, per_query = four_rows
    per_query[condition("hdct", "bert", "v0")] = [*two_seeds(values(RR_100=BASE)), values(RR_100=BASE)]
    converged = two_seeds(values(RR_100=TWICE))
    per_query[condition("hdct", "bert", "v4-top-8")] = [converged[0], "the loss is NaN", converged[1]]
    per_query[condition("hdct", "bert", "v1-top-16")] = ["NaN", "NaN", "constant scores"]
    frame = tidy_lines("table3", table, per_query, ["hdct"]).set_index("row")
    line = frame.loc["V4 Top 8"]
    assert (line["seeds"], line["queries"]) == (2, 3)
    assert line["value"] == pytest.approx(10 / 12) and line["gain"] == pytest.approx(5 / 12)
    assert line["diverged"] == "2 of 3 seeds converged (seed 2: the loss is NaN)"
    assert line["gain_over"] == "queries and seeds"
    none = frame.loc["V1 Top 16"]
    assert none["diverged"].startswith("0 of 3 seeds converged (seed 1: NaN; ") and none["seeds"] == 0
    assert none[["value", "sd_seeds", "gain", "gain_low", "p_paired_t"]].isna().all() and not none["dagger"]


def test_nothing_is_compared_with_a_baseline_that_diverged_in_every_seed(four_rows):
    table, per_query = four_rows
    per_query[condition("hdct", "bert", "v0")] = ["NaN", "NaN"]
    frame = tidy_lines("table3", table, per_query, ["hdct"])
    assert frame["value"].isna().tolist() == [True, False, False, False]
    assert frame[["gain", "gain_low", "baseline_value", "p_paired_t"]].isna().all(axis=None)
    assert not frame["dagger"].any()


def test_another_baseline(four_rows):
    table, per_query = four_rows
    table = table.model_copy(update={"baseline": "v4-top-8"})
    frame = tidy_lines("table3", table, per_query, ["hdct"])
    assert frame["p_paired_t"].isna().tolist() == [False, True, False, False]


def test_a_single_query_has_a_value_but_neither_interval_nor_test(four_rows):
    table, per_query = four_rows
    per_query = {cell: frame.iloc[:1] for cell, frame in per_query.items()}
    frame = tidy_lines("table3", table, per_query, ["hdct"])
    assert frame["value"].tolist() == [0.5, 1.0, 0.0, 0.5]
    assert set(frame["queries"]) == {1}
    empty = [
        "ci_low",
        "ci_high",
        "gain_low",
        "gain_high",
        "gain_relative_low",
        "p_paired_t",
        "p_paired_t_holm",
    ]
    assert frame[empty].isna().all(axis=None)
    assert frame["gain"].tolist() == pytest.approx([nan, 0.5, -0.5, 0.0], nan_ok=True)


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
    assert first == f"table3,BERT,bert,v0,,hdct,RR@100,{5 / 12!r},0.25,0.5,,1,3,,,,,,,,,,,,,False,,,,,,,,dev,"
    back = pd.read_csv(tmp_path / "table3.csv")
    assert back["value"].tolist() == frame["value"].tolist()
