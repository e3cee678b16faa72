"""Representative words prediction (ROP), PROP's objective: which of two sets of words is more of a document?

    P(w | D) = (c(w, D) + mu P(w | C)) / (|D| + mu),  P(w | C) = c(w, C) / |C|     Dirichlet
    P(l) = lambda^l exp(-lambda) / l!,  l = 1, 2, ...                           Poisson, lambda = 3
    loss = max(0, 1 - S(R1, D) + S(R2, D))

c counts a word in document or corpus. Two sets of l words each are drawn from P(w | D); R1 is the one of
higher likelihood, the product of its words' P(w | D), and S scores the set as a query. Stop words are never
drawn.
Source: Ma et al., PROP: Pre-training with Representative Words Prediction for Ad-hoc Retrieval, WSDM 2021,
section 3. PROP adds the masked language model with weight 1: `{mlm: 1, prop: 1}`; it masks the document of
this very input, `mlm` draws its own. mu is the mean length of a document, as in the authors' code, which
differs in that it takes P(w | C) from document frequencies, draws rare words from a sample, and discards
frequent ones as word2vec does. S is the score of a [CLS] head that fine-tuning for ranking goes on with; so
the head is a part of the result.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from sirbench.backbones.drawing.passages import TRIES, nothing_found
from sirbench.backbones.objectives import Objective, Outcome
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from torch import Tensor

MARGIN = 1.0
"""By how much the more likely set shall score above the other."""


class Sets(NamedTuple):
    """A page and two sets of words, as numbers of the vocabulary: the more likely first."""

    page: int
    more: np.ndarray
    less: np.ndarray


class RepresentativeWords(Objective):
    """Pairwise hinge loss of two sets of words."""

    trains_head: ClassVar[bool] = True

    poisson: float = Field(3.0, gt=0)
    """Mean number of words in a set before empty ones are left out, lambda."""

    @cached_property
    def content(self) -> np.ndarray:
        """Whether each word of the corpus is a content word."""
        from sirbench.backbones.drawing.words import content_words

        return content_words(self.material.corpus)

    @cached_property
    def total(self) -> int:
        """|C|: how many content words the corpus has, repetitions included."""
        return int(self.material.corpus.counts[self.content].sum())

    @property
    def mu(self) -> float:
        """The mean length of a document."""
        return self.total / self.material.corpus.pages

    def inputs(self, batch: int, negatives: int) -> int:
        """A page with either of its two sets of words."""
        return 2 * batch

    def prepare(self) -> None:
        """Raise `InputError` where the corpus has stop words alone."""
        if not self.total:
            raise InputError(f"{self.material.corpus.folder}: there is no word in it but stop words")

    def draw(self, step: int) -> list[Sets]:
        """The pages and sets of a step."""
        draw = random_generator("prop", self.material.seed, step)
        return [self._sets(draw) for _ in range(self.material.batch)]

    def _sets(self, draw: np.random.Generator) -> Sets:
        corpus = self.material.corpus
        for _ in range(TRIES):
            page = int(draw.integers(corpus.pages))
            document = corpus.words_of(corpus.of_page(page))
            document = document[self.content[document]]
            length = int(draw.poisson(self.poisson))
            if not len(document) or not length:
                continue
            sets = [self.sample(document, length, draw) for _ in range(2)]
            first, second = (self.log_likelihood(words, document) for words in sets)
            if first != second:
                more, less = sets if first > second else sets[::-1]
                return Sets(page, more, less)
        raise nothing_found("page with two sets of words of different likelihood")

    def sample(self, document: np.ndarray, length: int, draw: np.random.Generator) -> np.ndarray:
        """`length` words of P(w | D): with probability |D| / (|D| + mu) one of D's, else of the corpus."""
        own = draw.random(length) < len(document) / (len(document) + self.mu)
        words = draw.choice(document, size=length)
        words[~own] = [self._of_corpus(draw) for _ in range(int((~own).sum()))]
        return words

    def _of_corpus(self, draw: np.random.Generator) -> int:
        """A content word of P(w | C): that of a random place in the corpus."""
        words = self.material.corpus.words
        while not self.content[word := int(words[draw.integers(len(words))])]:
            pass
        return word

    def log_likelihood(self, words: np.ndarray, document: np.ndarray) -> float:
        """The sum over a set's words of log P(w | D); `document` has its content words only."""
        in_document = (document == words[:, None]).sum(axis=1)
        in_corpus = self.material.corpus.counts[words] / self.total
        likelihood = (in_document + self.mu * in_corpus) / (len(document) + self.mu)
        # Sorted, so that two orders of one set have one likelihood to the last digit.
        return float(np.log(np.sort(likelihood)).sum())

    def __call__(self, step: int) -> Outcome:
        """Mean over the pages."""
        from sirbench.backbones.drawing.groups import Group, score_groups

        corpus, limit = self.material.corpus, self.material.template.max_tokens
        groups = []
        for page, *sets in self.draw(step):
            document = corpus.tokens_of(corpus.of_page(page))[:limit]
            groups += [Group(corpus.tokens(words), [document]) for words in sets]
        scores = score_groups(self.material, groups).view(-1, 2)
        return Outcome(pairwise_hinge(scores).mean(), scores.numel())


def pairwise_hinge(scores: Tensor) -> Tensor:
    """max(0, 1 - S(R1, D) + S(R2, D)) of scores (pairs, 2), the more likely set first; (pairs,)."""
    return (MARGIN - scores[:, 0] + scores[:, 1]).clamp(min=0)
