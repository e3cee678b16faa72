"""Policy `first-documents`: the first documents of the collection are every query's negatives, as a toy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from sirbench.firststage.dual_encoder.negatives import Loss, Policy

if TYPE_CHECKING:
    from sirbench.firststage.dual_encoder.queries import Batch


class FirstDocuments(Policy):
    """The same negatives in every step."""

    count: int = Field(1, ge=1)
    """How many."""

    def loss(self, batch: Batch, step: int) -> Loss:
        """The mean over queries."""
        from sirbench.firststage.dual_encoder.batch import score_batch
        from sirbench.firststage.dual_encoder.losses import negative_log_likelihood

        rows = np.tile(np.arange(self.count), (len(batch.queries), 1))
        for row, query in zip(rows, batch.queries, strict=True):
            row[np.isin(row, query.positives)] = -1
        scored = score_batch(self.encoder, batch, rows)
        losses = negative_log_likelihood(scored.positives, scored.scores, scored.own)
        return Loss(losses.mean(), scored.texts)
