"""Random sentences and passages of a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sirbench.backbones.corpora.store import CorpusStore
from sirbench.machine.errors import InputError

if TYPE_CHECKING:
    from sirbench.backbones.objectives import Material

TRIES = 1000
"""The number of draws after which a corpus counts as having nothing of the kind."""


def passage_around(corpus: CorpusStore, sentence: int, limit: int) -> range:
    """The passage of at most `limit` tokens that a sentence belongs to."""
    passages = corpus.passages(corpus.page_of(sentence), limit)
    return next(passage for passage in passages if sentence in passage)


def random_passage(corpus: CorpusStore, draw: np.random.Generator, limit: int) -> range:
    """The passage around a sentence drawn from all: longer passages are more likely than short ones."""
    return passage_around(corpus, int(draw.integers(corpus.sentences)), limit)


def random_texts(material: Material, draw: np.random.Generator) -> list[np.ndarray]:
    """The tokens of as many random passages as a step has texts, each as long as an input can be."""
    template, corpus = material.template, material.corpus
    room = template.max_tokens - len(template.before) - len(template.after)
    return [corpus.tokens_of(random_passage(corpus, draw, room)) for _ in range(material.batch)]


def passage_of_page(corpus: CorpusStore, page: int, draw: np.random.Generator, limit: int) -> range:
    """One of a page's passages, all equally likely."""
    passages = corpus.passages(page, limit)
    return passages[draw.integers(len(passages))]


def nothing_found(what: str) -> InputError:
    """The error to raise after `TRIES` draws."""
    return InputError(f"backbones.*.corpus: in {TRIES} draws there was no {what}; is the corpus too small?")
