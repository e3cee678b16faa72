"""Measures of the semantic space, against values worked out by hand."""

from math import isnan, log, sqrt

import numpy as np
import pandas as pd
import pytest

from sirbench.evaluation.space import (
    coverage,
    margin,
    measure_space,
    nearest_moment,
    overlaps,
    relative_volume,
    selected_ranks,
    standardised,
    turnover,
)
from sirbench.evaluation.space_nulls import BlockDraws
from sirbench.machine.errors import InputError

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


def test_a_margin_is_in_units_of_the_standard_deviation_of_all_candidates_scores():
    candidates = np.array([1.0, 2.0, 3.0, 4.0])  # differences from 2.5: 1.5, .5, .5, 1.5
    assert standardised(2.5, candidates) == pytest.approx(2.5 / sqrt(1.25))
    # Stretching all scores, which changes no ranking, changes nothing.
    stretched = margin(np.array([70.0]), 10 * candidates[:2])
    assert standardised(stretched, 10 * candidates) == pytest.approx(5.5 / sqrt(1.25))
    assert isnan(standardised(1.0, np.full(4, 2.0))) and isnan(standardised(1.0, np.array([])))


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


def test_overlaps_of_shingles():
    # 1..7 has the shingles 12345, 23456, 34567; 2..8 has 23456, 34567, 45678: 2 of 4 are shared.
    assert overlaps(range(1, 8), range(2, 9)) == (2 / 4, 2 / 3, 2 / 3)
    assert overlaps(range(1, 8), range(1, 8)) == (1, 1, 1)
    assert overlaps(range(1, 8), range(7, 0, -1)) == (0, 0, 0)
    assert overlaps([1, 2], [1, 2]) == (1, 1, 1) and overlaps([1, 2], [2, 1]) == (0, 0, 0)
    assert overlaps([], []) == overlaps([1], []) == overlaps([], [1]) == (0, 0, 0)
    assert overlaps(np.array([1, 2, 3], np.uint16), np.array([1, 2, 3], np.uint16)) == (1, 1, 1)


def test_a_short_positive_inside_a_long_document_is_contained_but_no_duplicate():
    # 20 tokens have 16 shingles, of which the positive's 6 tokens have 2; the Jaccard index sees 2 of 16.
    assert overlaps(range(20), range(4, 10)) == (2 / 16, 1, 2 / 16)
    assert overlaps(range(4, 10), range(20)) == (2 / 16, 2 / 16, 1)


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
        lines.append((moment, "q", "train", 0, "positive", score, 1.0, 1.0, 1.0, [9.0, 9.0]))
        for rank, corner in enumerate(SQUARE, start=1):
            alike = (0.1 + 0.1 * rank, 0.2 * rank, 1 - 0.1 * rank)
            lines.append((moment, "q", "train", rank, "negative", -rank, *alike, corner))
        lines.append((moment, "p", "train", 0, "positive", score, 1.0, 1.0, 1.0, [0.0, 0.0]))
        lines.append((moment, "d", "dev", 1, "negative", score, 1.0, 1.0, 1.0, [0.0, 0.0]))
    columns = ["moment", "query_id", "split", "rank", "kind", "score"]
    return pd.DataFrame(lines, columns=[*columns, "overlap", "has_positive", "within_positive", "embedding"])


WHOLE = BlockDraws(size=5, seed=1, fixed=False)
"""A block is all four negatives, in every epoch."""


def test_every_measure_of_a_small_cell():
    measured = measure_space(TRACE, embedded(), WHOLE).set_index(["epoch", "measure"])
    values, queries = measured["value"], measured["queries"]
    # Epoch 1 selects ranks 2 and 1, measured in the middle; the positive's score there is 1.
    assert values[1, "coverage"] == 2 / 4
    assert isnan(values[1, "turnover"]) and queries[1, "turnover"] == 0
    assert values[1, "rank"] == 1.5
    assert values[1, "margin_logits"] == 1 + 1.5
    assert values[1, "margin"] == pytest.approx(2.5 / sqrt(1.25))  # of the scores -1, -2, -3, -4
    assert values[1, "volume"] == pytest.approx(log(0.95 * 0.05 / 0.25) / 2)
    assert values[1, "near_duplicate"] == 0
    assert values[1, "has_positive"] == 0 and values[1, "within_positive"] == 1
    # Epoch 2 selects ranks 4 and 2, measured at the end; the positive's score there is 2.
    assert values[2, "coverage"] == 3 / 4
    assert values[2, "turnover"] == pytest.approx(1 - 1 / 3)
    assert values[2, "rank"] == 3
    assert values[2, "margin_logits"] == 2 + 3
    # (0, -1) and (-1, 0): variance 1/2 along their diagonal and none across.
    assert values[2, "volume"] == pytest.approx(log(0.5 * 0.05 / 0.25) / 2)
    assert values[2, "near_duplicate"] == 1 / 2
    assert values[2, "has_positive"] == 1 / 2 and values[2, "within_positive"] == 1 / 2
    assert set(measured["moment"][1]) == {"middle"} and set(measured["moment"][2]) == {"end"}
    assert (queries.drop((1, "turnover")) == 1).all(), "query p has no negative and must not count"
    assert measured.loc[(1, "margin_logits"), "unit"] == "logits"


def test_the_nulls_of_a_small_cell():
    """Two of the same four at random in each epoch; and the two that score highest at the start."""
    measured = measure_space(TRACE, embedded(), WHOLE).set_index(["epoch", "measure"])
    random, unchanging = measured["random"], measured["unchanging"]
    assert random[1, "coverage"] == 2 / 4 and random[2, "coverage"] == pytest.approx(1 - (1 / 2) ** 2)
    # Of 36 pairs of selections 6 are the same, 24 share one document, 6 share none.
    assert random[2, "turnover"] == pytest.approx((24 * (1 - 1 / 3) + 6 * 1) / 36)
    assert random[2, "rank"] == 2.5 and random[2, "margin_logits"] == 2 + 2.5
    assert random[2, "margin"] == pytest.approx(4.5 / sqrt(1.25))
    assert random[2, "near_duplicate"] == 1 / 4  # overlaps of .2, .3, .4 and .5
    # Any two corners: opposite ones span a line through the middle, neighbours a side.
    opposite, side = log(0.95 * 0.05 / 0.25) / 2, log(0.5 * 0.05 / 0.25) / 2
    assert min(opposite, side) < random[2, "volume"] < max(opposite, side)
    assert unchanging[1, "coverage"] == unchanging[2, "coverage"] == 2 / 4
    assert isnan(unchanging[1, "turnover"]) and unchanging[2, "turnover"] == 0
    assert unchanging[2, "rank"] == 1.5 and unchanging[2, "margin_logits"] == 2 + 1.5
    assert unchanging[2, "volume"] == pytest.approx(opposite)
    assert unchanging[2, "near_duplicate"] == 0 and unchanging[2, "within_positive"] == 1


def test_a_trace_of_other_blocks_is_refused():
    """A block of one negative cannot have held two."""
    with pytest.raises(
        InputError, match=r"query q, epoch 0: trained on the candidate of rank .*not in its block"
    ):
        measure_space(TRACE, embedded(), WHOLE._replace(size=2))


def test_the_interval_is_that_of_the_mean_over_queries():
    """Two queries: a quarter of the resamples has the one twice, a quarter the other, which are its ends."""
    two = pd.concat([embedded()[lambda it: it["query_id"] == "q"]] * 2, ignore_index=True)
    two.loc[len(two) // 2 :, "query_id"] = "r"
    lines = trace((0, 0, "q", 1, [1, 2]), (1, 0, "r", 1, [1]))
    measured = measure_space(lines, two, WHOLE).set_index("measure")
    assert measured.loc["coverage", ["value", "ci_low", "ci_high"]].tolist() == [3 / 8, 1 / 4, 1 / 2]
    assert measured.loc["rank", ["value", "ci_low", "ci_high"]].tolist() == [1.25, 1, 1.5]
    assert measured.loc["coverage", ["random", "unchanging"]].tolist() == [3 / 8, 3 / 8]
    single = measure_space(lines, two[two["query_id"] == "q"], WHOLE).set_index("measure")
    assert single[["ci_low", "ci_high"]].isna().all(axis=None), "one query says nothing of the spread"


def test_a_study_of_one_epoch_has_no_turnover_and_everything_else():
    measured = measure_space(TRACE[TRACE["epoch"] == 0], embedded(), WHOLE).set_index("measure")
    assert set(measured["moment"]) == {"end"}
    for column in ("value", "random", "unchanging"):
        assert measured.index[measured[column].isna()].tolist() == ["turnover"]
