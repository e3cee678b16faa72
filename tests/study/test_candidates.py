"""Candidates of a study: which of their settings decide what a first stage learns."""

import pytest

from sirbench.study import FirstStage

HDCT = {"first_stage": "hdct", "backbone": "bert", "start": "other"}


def settings(**changes):
    return FirstStage(**HDCT | changes).training_settings()


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
