"""Inverse cloze task (ICT): which passage was this sentence taken from?

    P_ICT(b | q) = exp S(b, q) / sum over b' of exp S(b', q),        loss = -log P_ICT(b | q)

q is a random sentence, b its passage, from which it is removed with probability 0.9: were it always, the
model would never learn that a query's words are in what answers it. b' runs over b and other passages.
Source: Lee, Chang and Toutanova, Latent Retrieval for Weakly Supervised Open Domain Question Answering, ACL
2019, section Inverse Cloze Task (removal in 90 % of the examples; passages are blocks of whole sentences);
Chang et al., Pre-training Tasks for Embedding-based Large-scale Retrieval, ICLR 2020, always remove it.
Both train two encoders; here S is the cross-encoder that is fine-tuned later, as in the YES SIR paper, head
included. The other passages: hard ones for up to half of the group, then the other passages of the batch,
then random ones.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from sirbench.backbones.drawing.passages import TRIES, nothing_found, passage_around, random_passage
from sirbench.backbones.objectives import Material, Objective, Outcome
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from sirbench.backbones.drawing.lexical import Lexical


class Cloze(NamedTuple):
    """A sentence, the passage it is taken from, and whether it is removed from it."""

    sentence: int
    passage: range
    removed: bool


class InverseCloze(Objective):
    """Softmax cross entropy of the sentence's own passage."""

    trains_head: ClassVar[bool] = True

    removal: float = Field(0.9, ge=0, le=1)
    """How often the sentence is taken out of its passage."""
    hard: Literal["page", "bm25", "none"] = "page"
    """Where hard passages come from: `page`, the same page's other passages; `bm25`, BM25's best for the
    sentence (its index is kept in memory: for collections of up to about a million documents); `none`."""

    @cached_property
    def lexical(self) -> Lexical:
        """BM25 over all passages."""
        from sirbench.backbones.drawing.lexical import Lexical

        return Lexical.of_passages(self.material.corpus, self.material.passage_tokens)

    def inputs(self, batch: int, negatives: int) -> int:
        """A passage or page for each place of a query's group."""
        return batch * (1 + negatives)

    def prepare(self) -> None:
        """Index the passages, if hard ones are asked of BM25."""
        if self.hard == "bm25":
            _ = self.lexical

    def draw(self, step: int) -> tuple[list[Cloze], list[list[range]]]:
        """The sentences of a step with their passages, and for each the other passages."""
        draw = random_generator("ict", self.material.seed, step)
        clozes = [self._cloze(draw) for _ in range(self.material.batch)]
        return clozes, [self._others(draw, cloze, clozes) for cloze in clozes]

    def _cloze(self, draw: np.random.Generator) -> Cloze:
        """Any sentence that is not a passage by itself."""
        corpus = self.material.corpus
        for _ in range(TRIES):
            sentence = int(draw.integers(corpus.sentences))
            passage = passage_around(corpus, sentence, self.material.passage_tokens)
            if len(passage) > 1:
                return Cloze(sentence, passage, bool(draw.random() < self.removal))
        raise nothing_found("passage of two sentences")

    def _others(self, draw: np.random.Generator, cloze: Cloze, clozes: list[Cloze]) -> list[range]:
        """`negatives` different passages, none of them the sentence's."""
        wanted, corpus = self.material.negatives, self.material.corpus
        hard = [passage for passage in self._hard(draw, cloze) if passage != cloze.passage]
        chosen = hard[: (wanted + 1) // 2]
        of_batch = [clozes[i].passage for i in draw.permutation(len(clozes))]
        for _ in range(TRIES):
            if len(chosen) == wanted:
                return chosen
            other = of_batch.pop() if of_batch else random_passage(corpus, draw, self.material.passage_tokens)
            if other != cloze.passage and other not in chosen:
                chosen.append(other)
        raise nothing_found(f"choice of {wanted} other passages")

    def _hard(self, draw: np.random.Generator, cloze: Cloze) -> list[range]:
        corpus = self.material.corpus
        if self.hard == "page":
            passages = corpus.passages(corpus.page_of(cloze.sentence), self.material.passage_tokens)
            return [passages[i] for i in draw.permutation(len(passages))]
        if self.hard == "bm25":
            sentence = range(cloze.sentence, cloze.sentence + 1)
            rows, _ = self.lexical.best(corpus.words_of(sentence), self.material.negatives + 1)
            return [self.lexical.texts[row] for row in rows]
        return []

    def __call__(self, step: int) -> Outcome:
        """Mean over the sentences."""
        from sirbench.backbones.drawing.groups import Group, first_is_best, score_groups

        tokens_of = self.material.corpus.tokens_of
        groups = [
            Group(
                tokens_of(range(cloze.sentence, cloze.sentence + 1)),
                [passage_tokens(self.material, cloze), *map(tokens_of, others)],
            )
            for cloze, others in zip(*self.draw(step), strict=True)
        ]
        scores = score_groups(self.material, groups)
        return Outcome(first_is_best(scores), scores.numel())


def passage_tokens(material: Material, cloze: Cloze) -> np.ndarray:
    """The tokens of a sentence's passage, without the sentence where it is removed."""
    corpus, passage = material.corpus, cloze.passage
    if not cloze.removed:
        return corpus.tokens_of(passage)
    before, after = range(passage.start, cloze.sentence), range(cloze.sentence + 1, passage.stop)
    return np.concatenate([corpus.tokens_of(before), corpus.tokens_of(after)])
