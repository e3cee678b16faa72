"""Wiki link prediction (WLP): which passage is of a page that is linked with the query's?

    P(d | q) = exp S(q, d) / sum over d' of exp S(q, d'),        loss = -log P(d | q)

q is a random sentence of the first section of a page A, d a random passage of another page B "where there
is a hyperlink link to the page of q": B links to A. d' runs over d and passages of pages that are not
linked with A, in neither direction, all drawn at random.
Source: Chang et al., Pre-training Tasks for Embedding-based Large-scale Retrieval, ICLR 2020, sections 2
(the softmax) and 3 (the task). They train two encoders; here S is the cross-encoder that is fine-tuned
later, as in the YES SIR paper, head included.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from sirbench.backbones.drawing.passages import TRIES, nothing_found, passage_of_page
from sirbench.backbones.objectives import Objective, Outcome
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator


class Linked(NamedTuple):
    """A sentence, a passage of a page that links to its page, and passages of pages not linked with it."""

    sentence: int
    passage: range
    others: list[range]


class LinkPrediction(Objective):
    """Softmax cross entropy of the linked page's passage."""

    trains_head: ClassVar[bool] = True

    def inputs(self, batch: int, negatives: int) -> int:
        """A passage or page for each place of a query's group."""
        return batch * (1 + negatives)

    def prepare(self) -> None:
        """Raise `InputError` where the corpus has no links."""
        corpus = self.material.corpus
        if not corpus.has_links:
            raise InputError(
                f"{corpus.folder}: wlp learns from links between pages, and this corpus has none; "
                "see backbones.*.corpus"
            )

    @cached_property
    def linked(self) -> np.ndarray:
        """The pages that some other page links to."""
        return self.material.corpus.linked_pages()

    def draw(self, step: int) -> list[Linked]:
        """The groups of a step."""
        draw = random_generator("wlp", self.material.seed, step)
        return [self._linked(draw) for _ in range(self.material.batch)]

    def _linked(self, draw: np.random.Generator) -> Linked:
        corpus, limit = self.material.corpus, self.material.passage_tokens
        page = int(draw.choice(self.linked))
        lead = corpus.lead(page)
        sentence = int(draw.integers(lead.start, lead.stop))
        passage = passage_of_page(corpus, int(draw.choice(corpus.linked_from(page))), draw, limit)
        others: list[range] = []
        for _ in range(TRIES):
            if len(others) == self.material.negatives:
                return Linked(sentence, passage, others)
            other = int(draw.integers(corpus.pages))
            if other != page and not corpus.are_linked(page, other):
                others.append(passage_of_page(corpus, other, draw, limit))
        raise nothing_found(f"choice of {self.material.negatives} pages that are not linked with another")

    def __call__(self, step: int) -> Outcome:
        """Mean over the sentences."""
        from sirbench.backbones.drawing.groups import Group, first_is_best, score_groups

        tokens_of = self.material.corpus.tokens_of
        groups = [
            Group(
                tokens_of(range(one.sentence, one.sentence + 1)),
                [tokens_of(one.passage), *map(tokens_of, one.others)],
            )
            for one in self.draw(step)
        ]
        scores = score_groups(self.material, groups)
        return Outcome(first_is_best(scores), scores.numel())
