"""Candidates of a study: which options a first stage has, and which settings decide what it learns."""

import pytest

from sirbench.firststage import FIRST_STAGES, first_stage, training_settings
from sirbench.machine.errors import InputError
from sirbench.study import FirstStage

HDCT = {"first_stage": "hdct", "backbone": "bert", "start": "other"}


def settings(**changes):
    return training_settings(FirstStage(**HDCT | changes))


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("bm25", "allowed: b, k1"),
        ("hdct", "allowed: b, combination, k1, labels, max_passages, passage_tokens"),
        ("dense", "allowed: negatives, pooling"),
    ],
)
def test_an_option_that_the_first_stage_lacks_is_refused_before_anything_runs(name, allowed):
    for option in ("k3", "depth", "trained"):
        with pytest.raises(InputError, match=f"{option}: {name} has no such option; .*{allowed}"):
            first_stage(FirstStage(first_stage=name, options={option: 3}))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bm25", {"k1": -1}, "k1: Input should be greater than or equal to 0"),
        ("bm25", {"b": 1.5}, "b: Input should be less than or equal to 1"),
        ("hdct", {"combination": "max"}, "combination: Input should be 'decay' or 'sum'"),
        ("hdct", {"labels": "titles"}, "labels: Input should be 'queries' or 'first-sentence'"),
        ("hdct", {"passage_tokens": -1}, "passage_tokens: Input should be greater than or equal to 0"),
        ("dense", {"pooling": "max"}, "pooling: Input should be 'mean' or 'cls'"),
        ("dense", {"negatives": "stars"}, "negatives: no plug-in 'stars' .*did you mean 'star'"),
        ("dense", {"negatives": {"name": "star", "topp": 2}}, "negatives: topp: star has no such option"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_before_anything_runs(name, options, message):
    with pytest.raises(InputError, match=message):
        first_stage(FirstStage(first_stage=name, options=options))


@pytest.mark.parametrize("name", FIRST_STAGES.names())
def test_what_learns_needs_a_backbone_and_what_does_not_has_none(name):
    alone = FirstStage(first_stage=name)
    learning = FirstStage(first_stage=name, backbone="bert")
    right, wrong = (alone, learning) if name == "bm25" else (learning, alone)
    first_stage(right).check(right)
    message = "learns nothing; remove it" if name == "bm25" else "needs one of the study's backbones"
    with pytest.raises(InputError, match=f"^backbone: {name} .*{message}"):
        first_stage(wrong).check(wrong)


@pytest.mark.parametrize("given", [{"start": "other"}, {"training": {"steps": 3}}], ids=str)
def test_what_learns_nothing_is_given_nothing_to_learn_from(given):
    spec = FirstStage(first_stage="bm25", **given)
    with pytest.raises(InputError, match=f"^{next(iter(given))}: bm25 learns nothing"):
        first_stage(spec).check(spec)


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


def test_options_of_the_policy_decide_what_is_learned():
    policies = ("star", {"name": "star", "top": 7}, {"name": "ance", "top": 7})
    every = [settings(first_stage="dense", options={"negatives": policy}) for policy in policies]
    assert all(every.count(one) == 1 for one in every)
