"""The pre-training jobs of a study: backbones, the corpora that they read, and what decides their weights."""

import hashlib
from typing import Any

from sirbench.jobs.job import PRETRAINING
from sirbench.study import Corpus, PretrainedBackbone, Study
from sirbench.study.registry import own_code


def pretrained(study: Study) -> dict[str, PretrainedBackbone]:
    """The backbones of a study that are pre-trained by the suite."""
    return {name: spec for name, spec in study.backbones.items() if isinstance(spec, PretrainedBackbone)}


def corpora(study: Study) -> dict[str, tuple[str, Corpus]]:
    """The corpora of a study's pre-training by name, each with the backbone whose tokenizer cuts it."""
    return {
        corpus_name(study, name): (root_of(study, name), spec.corpus)
        for name, spec in pretrained(study).items()
    }


def corpus_name(study: Study, backbone: str) -> str:
    """A folder name for the corpus of a backbone; those of one corpus and tokenizer share it."""
    corpus = pretrained(study)[backbone].corpus
    digest = hashlib.sha256(corpus.model_dump_json().encode()).hexdigest()[:8]
    return f"{corpus.source}-{root_of(study, backbone)}-{digest}"


def root_of(study: Study, backbone: str) -> str:
    """The backbone that a chain of pre-trainings starts from, and whose tokenizer all of them have."""
    spec = study.backbones[backbone]
    return root_of(study, spec.start) if isinstance(spec, PretrainedBackbone) else backbone


def pretraining_settings(study: Study, backbone: str) -> dict[str, Any]:
    """All that decides a pre-trained backbone's weights, apart from the files that it starts from."""
    spec = pretrained(study)[backbone]
    unimportant: Any = {"training": {"checkpoint_every"}, "max_tokens": True, "max_query_tokens": True}
    return {
        "method": PRETRAINING,
        "pretraining": spec.model_dump(mode="json", exclude=unimportant),
        "input": study.pretraining_input(backbone).model_dump(),
        "collection": study.collection.train,
        **own_code("objectives", *spec.objectives),
    }
