"""The pre-training jobs of a study: which corpora backbones share, and what makes a job another one."""

import pytest

from sirbench.config import load
from sirbench.jobs.pretraining import corpora, corpus_name, pretrained, pretraining_settings
from tests.checkouts import ROOT


@pytest.fixture(scope="module")
def paper():
    return load("paper", ROOT / "config")


def test_backbones_of_one_corpus_and_tokenizer_share_its_store(paper):
    assert list(pretrained(paper.study)) == ["wlp", "ict"]
    (name,) = corpora(paper.study)
    assert name == corpus_name(paper.study, "wlp") == corpus_name(paper.study, "ict")
    assert name.startswith("wikipedia-bert-")
    assert corpora(paper.study)[name] == ("bert", paper.study.backbones["ict"].corpus)


def test_a_chain_of_pre_trainings_has_the_tokenizer_of_its_first(paper):
    backbones = paper.study.backbones
    chain = {**backbones, "prop": backbones["ict"].model_copy(update={"start": "ict"})}
    study = paper.study.model_copy(update={"backbones": chain})
    assert corpus_name(study, "prop") == corpus_name(study, "ict")
    other = backbones["ict"].model_copy(update={"start": "electra"})
    study = paper.study.model_copy(update={"backbones": {**backbones, "other": other}})
    assert corpus_name(study, "other").startswith("wikipedia-electra-")


def test_what_makes_a_pre_training_another_one(paper):
    """Other objectives or lengths do; how often checkpoints are written, or how lengths were said, do not."""
    backbones = paper.study.backbones

    def settings(**changes):
        spec = backbones["ict"].model_copy(update=changes)
        study = paper.study.model_copy(update={"backbones": {**backbones, "ict": spec}})
        return pretraining_settings(study, "ict")

    seldom = backbones["ict"].training.model_copy(update={"checkpoint_every": 9999})
    assert settings() == settings(training=seldom) == settings(max_tokens=512)
    assert settings()["input"] == {"max_tokens": 512, "max_query_tokens": 64}
    others = {"objectives": {"ict": 1.0}, "max_tokens": 128, "steps": 7, "options": {"ict": {}}}
    for change in ({key: value} for key, value in others.items()):
        assert settings(**change) != settings()
