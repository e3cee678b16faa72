"""Weak supervision by BM25: rank documents as BM25 does, from queries without a judgement.

    rank:      max(0, 1 - sign(b1 - b2) (S1 - S2))                                  over pairs of documents
    rankprob:  -P log Q - (1 - P) log(1 - Q),  P = b1 / (b1 + b2),  Q = 1 / (1 + exp(S2 - S1))
    listnet:   -sum over i of softmax(b / T)_i log softmax(S)_i                      over the whole group
    top:       -log softmax(S) of BM25's best                                       (listnet at T = 0)

b are BM25's scores of the documents, S the cross-encoder's. A group is BM25's best document, then as many
of its others within `depth` as random documents of the corpus.
Source: `rank` and `rankprob` are the Rank and RankProb models of Dehghani et al., Neural Ranking Models
with Weak Supervision, SIGIR 2017, section 3, there for pairs that BM25 retrieved; `listnet` is the top-one
probability of Cao et al., ICML 2007. The documents' beginnings are read, as in fine-tuning; BM25 reads them
whole.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from sirbench.backbones.drawing.passages import TRIES, nothing_found
from sirbench.backbones.objectives import Objective, Outcome
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from torch import Tensor

    from sirbench.backbones.drawing.lexical import Lexical


class Query(NamedTuple):
    """A query in tokens, and those of its words that the corpus has, as numbers of the vocabulary."""

    tokens: np.ndarray
    words: np.ndarray


class Ranked(NamedTuple):
    """A query's tokens, the pages of its group, and BM25's scores of them, the best first."""

    query: np.ndarray
    pages: np.ndarray
    scores: np.ndarray


class WeakSupervision(Objective):
    """A ranking loss towards BM25's order."""

    trains_head: ClassVar[bool] = True

    queries: Literal["queries", "sentences"] = "queries"
    """What is asked: the training queries of the collection, or sentences of the corpus."""
    loss: Literal["rank", "rankprob", "listnet", "top"] = "listnet"
    """Which loss; the file's first lines have the formulas."""
    temperature: float = Field(1.0, gt=0)
    """T of `listnet`, in units of BM25's scores."""
    depth: int = Field(100, ge=1)
    """How far down BM25's ranking documents are taken."""

    @property
    def reads_queries(self) -> bool:
        """Whether training queries are asked."""
        return self.queries == "queries"

    @cached_property
    def lexical(self) -> Lexical:
        """BM25 over all pages."""
        from sirbench.backbones.drawing.lexical import Lexical

        return Lexical.of_pages(self.material.corpus)

    @cached_property
    def asked(self) -> list[Query]:
        """The training queries."""
        from sirbench.backbones.corpora.store import split_words

        tokens, starts, counts = split_words(self.material.tokenizer, list(self.material.queries()))
        words = self.material.corpus.numbers(np.split(tokens, starts[1:]))
        firsts = counts.cumsum()[:-1]
        in_words = [part[part >= 0] for part in np.split(words, firsts)]
        # A query without a token behind the last word starts where all tokens end.
        in_tokens = np.split(tokens.astype(np.int64), np.append(starts, len(tokens))[firsts])
        return [Query(*pair) for pair in zip(in_tokens, in_words, strict=True)]

    def inputs(self, batch: int, negatives: int) -> int:
        """A passage or page for each place of a query's group."""
        return batch * (1 + negatives)

    def prepare(self) -> None:
        """Index the pages, and read the queries."""
        _ = self.lexical
        if self.queries == "queries":
            _ = self.asked

    def draw(self, step: int) -> list[Ranked]:
        """The groups of a step."""
        draw = random_generator("weak", self.material.seed, step)
        return [self._ranked(draw) for _ in range(self.material.batch)]

    def _ranked(self, draw: np.random.Generator) -> Ranked:
        """A query that BM25 finds something for, and its group."""
        size = 1 + self.material.negatives
        for _ in range(TRIES):
            query = self._query(draw)
            best, scores = self.lexical.best(query.words, self.depth)
            if not len(best):
                continue
            further = draw.permutation(best[1:])[: self.material.negatives // 2]
            anywhere = draw.integers(len(scores), size=10 * size)
            pages = np.concatenate([best[:1], further, anywhere])
            first = np.sort(np.unique(pages, return_index=True)[1])[:size]
            if len(first) == size:
                return Ranked(query.tokens, pages[first], scores[pages[first]])
        raise nothing_found(f"query with a group of {size} pages")

    def _query(self, draw: np.random.Generator) -> Query:
        corpus = self.material.corpus
        if self.queries == "sentences":
            sentence = int(draw.integers(corpus.sentences))
            words = corpus.words_of(range(sentence, sentence + 1))
            return Query(corpus.tokens(words), words)
        return self.asked[draw.integers(len(self.asked))]

    def __call__(self, step: int) -> Outcome:
        """Mean over the queries."""
        import torch

        from sirbench.backbones.drawing.groups import Group, score_groups

        corpus, limit = self.material.corpus, self.material.template.max_tokens
        ranked = self.draw(step)
        groups = [
            Group(one.query, [corpus.tokens_of(corpus.of_page(page))[:limit] for page in one.pages.tolist()])
            for one in ranked
        ]
        scores = score_groups(self.material, groups)
        bm25 = torch.from_numpy(np.stack([one.scores for one in ranked])).to(scores)
        return Outcome(LOSSES[self.loss](scores, bm25, self.temperature).mean(), scores.numel())


def rank(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Mean hinge loss over the pairs of a group that BM25 scores apart; (groups,)."""
    apart, sign = _differences(scores), _differences(bm25).sign()
    ordered = sign > 0  # each pair once
    violation = (1 - sign * apart).clamp(min=0) * ordered
    return violation.sum(dim=(1, 2)) / ordered.sum(dim=(1, 2)).clamp(min=1)


def rankprob(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Mean cross entropy over the pairs of a group of which BM25 retrieves one or both; (groups,)."""
    from torch.nn import functional

    apart, total = _differences(scores), bm25[:, :, None] + bm25[:, None, :]
    upper = (total > 0).triu(diagonal=1)
    wanted = bm25[:, :, None] / total.where(total > 0, 1)
    entropy = functional.binary_cross_entropy_with_logits(apart, wanted, reduction="none") * upper
    return entropy.sum(dim=(1, 2)) / upper.sum(dim=(1, 2)).clamp(min=1)


def listnet(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Cross entropy of the two distributions over a group; (groups,)."""
    return -((bm25 / temperature).softmax(dim=1) * scores.log_softmax(dim=1)).sum(dim=1)


def top(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Cross entropy of BM25's best, which comes first; (groups,)."""
    return -scores.log_softmax(dim=1)[:, 0]


LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "rank": rank,
    "rankprob": rankprob,
    "listnet": listnet,
    "top": top,
}
"""Losses of scores and BM25's scores, both (groups, documents), at a temperature."""


def _differences(values: Tensor) -> Tensor:
    return values[:, :, None] - values[:, None, :]
