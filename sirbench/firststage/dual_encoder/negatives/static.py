"""Static hard negatives: BM25's top documents of each query, found once and for all.

    L = 1/n sum over pairs (q, d-) of l(s(q, d+), s(q, d-)),    l = RankNet's log(1 + exp(s- - s+))

d- is drawn anew at each step from the `top` documents without the judged positives. This is what Zhan et al.
(SIGIR 2021) find unstable: nothing keeps the documents apart that BM25 does not rank high.
"""

from dataclasses import dataclass, field

import numpy as np

from sirbench.firststage.dual_encoder.batch import score_batch
from sirbench.firststage.dual_encoder.hard_negatives import HardNegatives, of_bm25
from sirbench.firststage.dual_encoder.losses import ranknet
from sirbench.firststage.dual_encoder.negatives import Loss, Policy
from sirbench.firststage.dual_encoder.queries import Batch


@dataclass(kw_only=True)
class Negatives(Policy):
    """BM25's top, which never changes."""

    top: int = 200
    """How many documents of each query are hard negatives (STAR's authors: 200)."""
    per_query: int = 1
    """How many of them a query has at each step."""
    hard: HardNegatives = field(init=False)

    def __post_init__(self):
        self.check("top", 1)
        self.check("per_query", 1)
        self.hard = HardNegatives(self.learning.folder)

    def search(self) -> np.ndarray:
        """The hard negatives of all queries, as rows of documents (queries, top)."""
        return of_bm25(self.learning, self.queries, self.top)

    def start(self, step: int) -> None:
        """Search before the first step, and never again."""
        if step == 0:
            self.hard.replace(self.search(), 0)
        else:
            self.hard.load(0)

    def loss(self, batch: Batch, step: int) -> Loss:
        """RankNet's mean over the pairs of each query with its own hard negatives."""
        negatives = self.hard.draw(batch, self.per_query, self.learning.settings.seed, step)
        scored = score_batch(self.encoder, batch, negatives)
        weights = scored.own.float()
        pairs = weights.sum().clamp(min=1)
        return Loss(ranknet(scored.positives, scored.scores, weights).sum() / pairs, scored.texts)
