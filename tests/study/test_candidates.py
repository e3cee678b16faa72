"""Candidates of a study: which of their settings decide what a first stage learns."""

import pytest

from sirbench.study import FirstStage

HDCT = {"first_stage": "hdct", "backbone": "bert", "start": "other"}


def settings(**changes):
    return FirstStage(**HDCT | changes).training_settings()


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        ({"first_stage": "bm25"}, "allowed: b, k1"),
        (HDCT, "allowed: b, combination, k1, labels, max_passages, passage_tokens"),
        (HDCT | {"first_stage": "dense"}, "allowed: alpha, measure, negatives, "),
    ],
    ids=lambda it: it["first_stage"] if isinstance(it, dict) else "",
)
def test_an_option_that_the_first_stage_lacks_is_refused_before_anything_runs(spec, allowed):
    for option in ("k2", "depth", "trained"):
        with pytest.raises(
            ValueError, match=f"options: {spec['first_stage']} has no option '{option}'; {allowed}"
        ):
            FirstStage(**spec | {"options": {option: 3}})


@pytest.mark.parametrize(
    "change",
    [
        {"title": "HDCT"},
        {"options": {"k1": 3.0, "b": 0.1, "combination": "sum"}},
        {"training": {"checkpoint_every": 7}},
    ],
    ids=str,
)
def test_what_training_does_not_read_decides_nothing(change):
    assert settings(**change) == settings()


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"labels": "first-sentence"}},
        {"options": {"max_passages": 2}},  # of retrieval too
        {"backbone": "electra"},
        {"start": None},
        {"first_stage": "dense"},
        {"training": {"steps": 7}},
        {"training": {"queries": 7}},
        {"training": {"seed": 7}},
        {"training": {"learning_rate": 7.0}},
    ],
    ids=str,
)
def test_what_training_reads_decides_what_is_learned(change):
    assert settings(**change) != settings()
