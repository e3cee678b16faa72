"""STAR: static hard negatives, made stable by random ones from the batch (Zhan et al., SIGIR 2021).

    L = (sum over hard pairs of l + alpha * sum over random pairs of l) / (hard pairs + alpha * random pairs)

with RankNet's l = log(1 + exp(s- - s+)). A hard pair is a query with one of its own static hard negatives; a
random pair is a query with any document that the batch has for another query, which is encoded already (the
paper's reusing strategy). The authors' code has alpha = 1: every pair counts alike.

The paper finds the hard negatives with a trained dense retriever. So does this one where it starts from other
candidates (`start` in the study); from a backbone, which retrieves nothing useful, they are BM25's.
"""

from dataclasses import dataclass

import numpy as np

from sirbench.firststage.dual_encoder.batch import score_batch
from sirbench.firststage.dual_encoder.encoder import trained_pooling
from sirbench.firststage.dual_encoder.hard_negatives import of_encoder
from sirbench.firststage.dual_encoder.losses import ranknet
from sirbench.firststage.dual_encoder.negatives import Loss, static
from sirbench.firststage.dual_encoder.queries import Batch


@dataclass(kw_only=True)
class Negatives(static.Negatives):
    """The hard ones of `static`, or of the model that training starts from, and the batch's random ones."""

    alpha: float = 1.0
    """Weight of a random pair; that of a hard pair is 1."""

    def __post_init__(self):
        super().__post_init__()
        self.check("alpha", 0)

    def search(self) -> np.ndarray:
        """By the dual encoder that training starts from, if it was trained; otherwise by BM25."""
        if trained_pooling(self.learning.start) is None:
            return super().search()
        return of_encoder(self.encoder, self.queries, self.top, self.learning.name)

    def loss(self, batch: Batch, step: int) -> Loss:
        """The weighted mean over both kinds of pairs."""
        negatives = self.hard.draw(batch, self.per_query, self.learning.settings.seed, step)
        scored = score_batch(self.encoder, batch, negatives)
        weights = scored.own + self.alpha * scored.others
        total = weights.sum()
        pairs = total if total > 0 else 1.0
        return Loss(ranknet(scored.positives, scored.scores, weights).sum() / pairs, scored.texts)
