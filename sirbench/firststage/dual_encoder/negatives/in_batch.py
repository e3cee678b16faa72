"""In-batch negatives: what the batch has for other queries, and nothing else (Karpukhin et al., EMNLP 2020).

    L = -log( e^s(q, d+) / (e^s(q, d+) + sum over d- of e^s(q, d-)) )

d- are the positives of the batch's other queries: random documents from this query's point of view, at no
cost. The softmax looks at those that score highest, where `random` gives every pair the same weight. This is
DPR's Eq. 2 without the negative of BM25's that DPR adds.
"""

from dataclasses import dataclass

import numpy as np

from sirbench.firststage.dual_encoder.batch import score_batch
from sirbench.firststage.dual_encoder.losses import negative_log_likelihood
from sirbench.firststage.dual_encoder.negatives import Loss, Policy
from sirbench.firststage.dual_encoder.queries import Batch


@dataclass(kw_only=True)
class Negatives(Policy):
    """The positives of the other queries."""

    def loss(self, batch: Batch, step: int) -> Loss:
        """The mean over queries."""
        scored = score_batch(self.encoder, batch, np.empty((len(batch.queries), 0), dtype=np.int64))
        losses = negative_log_likelihood(scored.positives, scored.scores, scored.others)
        return Loss(losses.mean(), scored.texts)
