"""Static hard negatives: BM25's top documents of each query, found once, before training.

    L = 1/n sum over pairs (q, d-) of l(s(q, d+), s(q, d-)),    l = RankNet's log(1 + exp(s- - s+))

d- is drawn anew at each step from the `top` documents without the judged positives. This is what Zhan et al.
(SIGIR 2021) find unstable: nothing keeps the documents apart that BM25 does not rank high.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sirbench.firststage.dual_encoder.hard_negatives import HardPolicy, of_bm25
from sirbench.firststage.dual_encoder.negatives import Loss

if TYPE_CHECKING:
    import numpy as np

    from sirbench.firststage.dual_encoder.queries import Batch


class Static(HardPolicy):
    """BM25's top, which never changes."""

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
        from sirbench.firststage.dual_encoder.losses import ranknet_mean

        scored = self.score(batch, step)
        return Loss(ranknet_mean(scored.positives, scored.scores, scored.own.float()), scored.texts)
