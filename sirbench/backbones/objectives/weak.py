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

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sirbench.backbones.corpora.store import split_words
from sirbench.backbones.drawing.groups import Group, score_groups
from sirbench.backbones.drawing.lexical import Lexical
from sirbench.backbones.drawing.passages import TRIES, nothing_found
from sirbench.backbones.objectives import Material, Objective, Outcome
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator

QUERIES = ("queries", "sentences")


class Ranked(NamedTuple):
    """A query's tokens, the pages of its group, and BM25's scores of them, the best first."""

    query: np.ndarray
    pages: np.ndarray
    scores: np.ndarray


def make(
    material: Material,
    *,
    queries: str = "queries",
    loss: str = "listnet",
    temperature: float = 1.0,
    depth: int = 100,
) -> Objective:
    """`queries`: the training `queries` of the collection, or `sentences` of the corpus. `loss`: see above.

    `temperature`: T of `listnet`, in BM25's units. `depth`: how far down its ranking documents are taken.
    """
    if queries not in QUERIES:
        raise InputError(f"backbones.*.options.weak.queries: {queries!r} is none of {', '.join(QUERIES)}")
    if loss not in LOSSES:
        raise InputError(f"backbones.*.options.weak.loss: {loss!r} is none of {', '.join(LOSSES)}")
    return WeakSupervision(material, queries, loss, temperature, depth)


def rank(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Mean hinge loss over the pairs of a group that BM25 scores apart; (groups,)."""
    apart, sign = _differences(scores), torch.sign(_differences(bm25))
    ordered = sign > 0  # each pair once
    violation = (1 - sign * apart).clamp(min=0) * ordered
    return violation.sum(dim=(1, 2)) / ordered.sum(dim=(1, 2)).clamp(min=1)


def rankprob(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Mean cross entropy over the pairs of a group of which BM25 retrieves one or both; (groups,)."""
    apart, total = _differences(scores), bm25[:, :, None] + bm25[:, None, :]
    upper = torch.ones_like(apart, dtype=torch.bool).triu(diagonal=1) & (total > 0)
    wanted = bm25[:, :, None] / total.where(total > 0, torch.ones_like(total))
    entropy = functional.binary_cross_entropy_with_logits(apart, wanted, reduction="none") * upper
    return entropy.sum(dim=(1, 2)) / upper.sum(dim=(1, 2)).clamp(min=1)


def listnet(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Cross entropy of the two distributions over a group; (groups,)."""
    return -(torch.softmax(bm25 / temperature, dim=1) * torch.log_softmax(scores, dim=1)).sum(dim=1)


def top(scores: Tensor, bm25: Tensor, temperature: float) -> Tensor:
    """Cross entropy of BM25's best, which stands first; (groups,)."""
    return -torch.log_softmax(scores, dim=1)[:, 0]


LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "rank": rank,
    "rankprob": rankprob,
    "listnet": listnet,
    "top": top,
}
"""Losses of scores and BM25's scores, both (groups, documents)."""


def _differences(values: Tensor) -> Tensor:
    return values[:, :, None] - values[:, None, :]


class WeakSupervision(Objective):
    """A ranking loss towards BM25's order."""

    TRAINS_HEAD = True

    def __init__(self, material: Material, queries: str, loss: str, temperature: float, depth: int):
        super().__init__()
        self.material, self.depth = material, depth
        self.loss, self.temperature = LOSSES[loss], temperature
        self.lexical = Lexical.of_pages(material.corpus)
        self.queries = self._read(material.queries()) if queries == "queries" else None

    def _read(self, texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """The queries in tokens, and in those of their words that the corpus has."""
        tokens, starts, counts = split_words(self.material.tokenizer, list(texts))
        words = self.material.corpus.numbers(np.split(tokens, starts[1:]))
        firsts = counts.cumsum()[:-1]
        in_words = [part[part >= 0] for part in np.split(words, firsts)]
        # A query without a token behind the last word starts where all tokens end.
        in_tokens = np.split(tokens.astype(np.int64), np.append(starts, len(tokens))[firsts])
        return list(zip(in_tokens, in_words, strict=True))

    def draw(self, step: int) -> list[Ranked]:
        """The groups of a step."""
        draw = random_generator("weak", self.material.seed, step)
        return [self._ranked(draw) for _ in range(self.material.batch)]

    def _ranked(self, draw: np.random.Generator) -> Ranked:
        """A query that BM25 finds something for, and its group."""
        size = 1 + self.material.negatives
        for _ in range(TRIES):
            tokens, words = self._query(draw)
            best, scores = self.lexical.best(words, self.depth)
            if not len(best):
                continue
            further = draw.permutation(best[1:])[: self.material.negatives // 2]
            anywhere = draw.integers(len(scores), size=10 * size)
            pages = np.concatenate([best[:1], further, anywhere])
            first = np.sort(np.unique(pages, return_index=True)[1])[:size]
            if len(first) == size:
                return Ranked(tokens, pages[first], scores[pages[first]])
        raise nothing_found(f"query with a group of {size} pages")

    def _query(self, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of a query and its words, as numbers of the vocabulary."""
        corpus = self.material.corpus
        if self.queries is None:
            sentence = int(draw.integers(corpus.sentences))
            words = corpus.words_of(range(sentence, sentence + 1))
            return corpus.tokens(words), words
        return self.queries[draw.integers(len(self.queries))]

    def forward(self, step: int) -> Outcome:
        """Mean over the queries."""
        corpus, limit = self.material.corpus, self.material.template.max_tokens
        ranked = self.draw(step)
        groups = [
            Group(one.query, [corpus.tokens_of(corpus.of_page(page))[:limit] for page in one.pages.tolist()])
            for one in ranked
        ]
        scores = score_groups(self.material, groups)
        bm25 = torch.from_numpy(np.stack([one.scores for one in ranked])).to(scores)
        return Outcome(self.loss(scores, bm25, self.temperature).mean(), scores.numel())
