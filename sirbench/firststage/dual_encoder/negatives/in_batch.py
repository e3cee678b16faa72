"""In-batch negatives: only the documents of the batch's other queries (Karpukhin et al., EMNLP 2020).

    L = -log( e^s(q, d+) / (e^s(q, d+) + sum over d- of e^s(q, d-)) )

d- are the positives of the batch's other queries: random documents from this query's point of view, at no
cost. The softmax weighs those most that score highest, while `random` gives every pair the same weight. This
is DPR's Eq. 2 without the BM25 negative that DPR adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sirbench.firststage.dual_encoder.negatives import Loss, Policy

if TYPE_CHECKING:
    from sirbench.firststage.dual_encoder.queries import Batch


class InBatch(Policy):
    """The positives of the other queries."""

    def loss(self, batch: Batch, step: int) -> Loss:
        """The mean over queries."""
        from sirbench.firststage.dual_encoder.batch import score_batch
        from sirbench.firststage.dual_encoder.losses import negative_log_likelihood

        scored = score_batch(self.encoder, batch, np.empty((len(batch.queries), 0), dtype=np.int64))
        losses = negative_log_likelihood(scored.positives, scored.scores, scored.others)
        return Loss(losses.mean(), scored.texts)
