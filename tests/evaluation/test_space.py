"""Measures of the semantic space, against values worked out by hand."""

from math import isnan, log

import numpy as np
import pandas as pd
import pytest

from sirbench.evaluation.space import (
    coverage,
    margin,
    measure_space,
    nearest_moment,
    overlap,
    relative_volume,
    selected_ranks,
    turnover,
)

SQUARE = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
"""Covariance I/2: every shrunk covariance of it is I/2 too."""


def test_coverage_counts_a_document_once_however_often_it_is_selected():
    assert coverage([{1, 2}], 8) == 2 / 8
    assert coverage([{1, 2}, {2, 3}, set()], 8) == 3 / 8
    assert isnan(coverage([set()], 0))


def test_turnover_is_one_minus_jaccard():
    assert turnover({1, 2, 3}, {2, 3, 4}) == pytest.approx(1 - 2 / 4)
    assert turnover([1, 2], [2, 1]) == 0
    assert turnover([1, 2], []) == 1
    assert isnan(turnover([], []))


def test_margin_is_small_for_hard_negatives_and_negative_for_those_above_the_positive():
    assert margin(np.array([2.0]), np.array([1.0, -1.0])) == 2.0
    assert margin(np.array([2.0, 4.0]), np.array([5.0])) == -2.0
    assert isnan(margin(np.array([2.0]), np.array([])))


def test_volume_of_all_candidates_is_zero():
    assert relative_volume(SQUARE, SQUARE) == pytest.approx(0)


def test_volume_of_a_line_in_the_square():
    # cov diag(1, 0); shrunk .9 diag(1, 0) + .1 I/2 = diag(.95, .05); that of the square is diag(.5, .5).
    assert relative_volume(SQUARE[:2], SQUARE) == pytest.approx(log(0.95 * 0.05 / 0.25) / 2)


def test_volume_of_one_document_is_that_of_the_shrinkage():
    assert relative_volume(SQUARE[:1], SQUARE) == pytest.approx(log(0.05 * 0.05 / 0.25) / 2)


def test_volume_depends_on_neither_place_nor_rotation_nor_scale():
    draw = np.random.default_rng(1)
    candidates = draw.normal(size=(30, 5))
    rotation = np.linalg.qr(draw.normal(size=(5, 5)))[0]
    moved = 7 * candidates @ rotation + 3
    expected = relative_volume(candidates[:6], candidates)
    assert relative_volume(moved[:6], moved) == pytest.approx(expected)
    assert expected < -0.05


def test_volume_with_more_dimensions_than_documents_is_that_of_the_space_they_span():
    wide = np.hstack([SQUARE, np.zeros((4, 98))]).astype(np.float32)
    assert relative_volume(wide[:2], wide) == pytest.approx(log(0.95 * 0.05 / 0.25) / 2)


def test_volume_of_nothing_or_of_a_point_is_undefined():
    assert isnan(relative_volume(SQUARE[:0], SQUARE))
    assert isnan(relative_volume(np.ones((2, 3)), np.ones((5, 3))))
    assert isnan(relative_volume(np.empty((0, 0)), np.empty((0, 0))))


def test_overlap_of_shingles():
    # 1..7 has the shingles 12345, 23456, 34567; 2..8 has 23456, 34567, 45678: 2 of 4 are shared.
    assert overlap(range(1, 8), range(2, 9)) == 2 / 4
    assert overlap(range(1, 8), range(1, 8)) == 1
    assert overlap(range(1, 8), range(7, 0, -1)) == 0
    assert overlap([1, 2], [1, 2]) == 1 and overlap([1, 2], [2, 1]) == 0
    assert overlap([], []) == 0
    assert overlap(np.array([1, 2, 3], np.uint16), np.array([1, 2, 3], np.uint16)) == 1


@pytest.mark.parametrize(
    ("epochs", "moments"),
    [
        (1, ["end"]),
        (2, ["middle", "end"]),
        (3, ["middle", "middle", "end"]),
        (4, ["middle", "middle", "end", "end"]),
        (8, ["start", "middle", "middle", "middle", "middle", "end", "end", "end"]),
    ],
)
def test_an_epoch_is_measured_at_the_moment_nearest_to_its_end(epochs, moments):
    assert [nearest_moment(epoch, epochs) for epoch in range(epochs)] == moments


def trace(*lines):
    return pd.DataFrame(lines, columns=["step", "epoch", "query_id", "level", "ranks"])


TRACE = trace(
    (0, 0, "q", 1, [1, 2, 3, 4]),
    (0, 0, "q", 2, [2, 1]),
    (1, 0, "p", 2, []),
    (2, 1, "q", 2, [4, 2]),
    (3, 1, "p", 2, []),
)


def test_only_what_the_last_level_saw_is_selected():
    assert selected_ranks(TRACE, "q") == [[2, 1], [4, 2]]
    assert selected_ranks(TRACE, "p") == [[], []]
    assert selected_ranks(trace((0, 0, "q", 3, [5])), "q") == [[5]]


def embedded():
    """Query q has the square's corners as negatives, of ranks 1 to 4; query p has a positive only."""
    lines = []
    for moment, score in (("start", 0.0), ("middle", 1.0), ("end", 2.0)):
        lines.append((moment, "q", "train", 0, "positive", score, 1.0, [9.0, 9.0]))
        for rank, (corner, near) in enumerate(zip(SQUARE, (0.1, 0.2, 0.3, 0.5), strict=True), start=1):
            lines.append((moment, "q", "train", rank, "negative", -rank, near, corner))
        lines.append((moment, "p", "train", 0, "positive", score, 1.0, [0.0, 0.0]))
        lines.append((moment, "d", "dev", 1, "negative", score, 1.0, [0.0, 0.0]))
    columns = ["moment", "query_id", "split", "rank", "kind", "score", "overlap", "embedding"]
    return pd.DataFrame(lines, columns=columns)


def test_every_measure_of_a_small_cell():
    measured = measure_space(TRACE, embedded()).set_index(["epoch", "measure"])
    values, queries = measured["value"], measured["queries"]
    # Epoch 1 selects ranks 2 and 1, measured in the middle; the positive's score there is 1.
    assert values[1, "coverage"] == 2 / 4
    assert isnan(values[1, "turnover"]) and queries[1, "turnover"] == 0
    assert values[1, "rank"] == 1.5
    assert values[1, "margin"] == 1 + 1.5
    assert values[1, "volume"] == pytest.approx(log(0.95 * 0.05 / 0.25) / 2)
    assert values[1, "likely_false"] == 0
    # Epoch 2 selects ranks 4 and 2, measured at the end; the positive's score there is 2.
    assert values[2, "coverage"] == 3 / 4
    assert values[2, "turnover"] == pytest.approx(1 - 1 / 3)
    assert values[2, "rank"] == 3
    assert values[2, "margin"] == 2 + 3
    # (0, -1) and (-1, 0): variance 1/2 along their diagonal and none across.
    assert values[2, "volume"] == pytest.approx(log(0.5 * 0.05 / 0.25) / 2)
    assert values[2, "likely_false"] == 1 / 2
    assert set(measured["moment"][1]) == {"middle"} and set(measured["moment"][2]) == {"end"}
    assert (queries.drop((1, "turnover")) == 1).all(), "query p has no negative and must not count"
    assert measured.loc[(1, "margin"), "unit"] == "logits"


def test_the_interval_is_that_of_the_mean_over_queries():
    """Two queries: a quarter of the resamples has the one twice, a quarter the other, which are its ends."""
    two = pd.concat([embedded()[lambda it: it["query_id"] == "q"]] * 2, ignore_index=True)
    two.loc[len(two) // 2 :, "query_id"] = "r"
    lines = trace((0, 0, "q", 1, [1, 2]), (1, 0, "r", 1, [1]))
    measured = measure_space(lines, two).set_index("measure")
    assert measured.loc["coverage", ["value", "ci_low", "ci_high"]].tolist() == [3 / 8, 1 / 4, 1 / 2]
    assert measured.loc["rank", ["value", "ci_low", "ci_high"]].tolist() == [1.25, 1, 1.5]
    single = measure_space(lines, two[two["query_id"] == "q"]).set_index("measure")
    assert single[["ci_low", "ci_high"]].isna().all(axis=None), "one query says nothing of the spread"


def test_a_study_of_one_epoch_has_no_turnover_and_everything_else():
    measured = measure_space(TRACE[TRACE["epoch"] == 0], embedded()).set_index("measure")
    assert set(measured["moment"]) == {"end"}
    assert measured.index[measured["value"].isna()].tolist() == ["turnover"]
