"""STAR: static hard negatives, made stable by random ones from the batch (Zhan et al., SIGIR 2021).

    L = (sum over hard pairs of l + alpha * sum over random pairs of l) / (hard pairs + alpha * random pairs)

with RankNet's l = log(1 + exp(s- - s+)). A hard pair is a query with one of its own static hard negatives; a
random pair is a query with any document that the batch has for another query, which is encoded already (the
paper's reusing strategy). The authors' code has alpha = 1: every pair counts alike.

The paper finds the hard negatives with a trained dense retriever. So does this one where it starts from other
candidates (`start` in the study); from a backbone, which retrieves nothing useful, they are BM25's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.firststage.dual_encoder.hard_negatives import of_encoder
from sirbench.firststage.dual_encoder.negatives import Loss
from sirbench.firststage.dual_encoder.negatives.static import Static

if TYPE_CHECKING:
    import numpy as np

    from sirbench.firststage.dual_encoder.queries import Batch


class Star(Static):
    """The hard ones of `static`, or of the model that training starts from, and the batch's random ones."""

    alpha: float = Field(1.0, ge=0)
    """Weight of a random pair; that of a hard pair is 1."""

    def encodings(self, steps: int, continued: bool) -> int:
        """Once, where its hard negatives are those of the encoder and not BM25's."""
        return int(continued)

    def search(self) -> np.ndarray:
        """By the dual encoder that training starts from, if it was trained; otherwise by BM25."""
        from sirbench.firststage.dual_encoder.encoder import trained_pooling

        if trained_pooling(self.learning.start) is None:
            return super().search()
        return of_encoder(self.encoder, self.queries, self.top, self.learning.name)

    def loss(self, batch: Batch, step: int) -> Loss:
        """The weighted mean over both kinds of pairs."""
        from sirbench.firststage.dual_encoder.losses import ranknet_mean

        scored = self.score(batch, step)
        weights = scored.own + self.alpha * scored.others
        return Loss(ranknet_mean(scored.positives, scored.scores, weights), scored.texts)
