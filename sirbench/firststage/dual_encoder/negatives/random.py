"""Random negatives: documents drawn from the collection, and those of the batch's other queries.

    L = 1/n sum over pairs (q, d-) of l(s(q, d+), s(q, d-)),    l = RankNet's log(1 + exp(s- - s+))

The in-batch documents were drawn for other queries, at random from this one's point of view, and cost no
encoding. Zhan et al. (SIGIR 2021) compare against these, with the same loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from sirbench.firststage.dual_encoder.negatives import Loss, Policy
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from sirbench.firststage.dual_encoder.queries import Batch, Query


class Random(Policy):
    """Uniform from the collection without the query's judged positives."""

    per_query: int = Field(1, ge=0)
    """Documents drawn for each query and step; 0: only what the batch has."""

    @property
    def documents_per_query(self) -> int:
        """The positive and its own negatives."""
        return 1 + self.per_query

    def loss(self, batch: Batch, step: int) -> Loss:
        """RankNet's mean over all pairs of the batch."""
        from sirbench.firststage.dual_encoder.batch import score_batch
        from sirbench.firststage.dual_encoder.losses import ranknet_mean

        seed, size = self.learning.settings.seed, len(self.encoder.store.documents.ids)
        drawn = [draw(query, self.per_query, size, seed, step) for query in batch.queries]
        scored = score_batch(self.encoder, batch, np.stack(drawn))
        weights = (scored.own | scored.others).float()
        return Loss(ranknet_mean(scored.positives, scored.scores, weights), scored.texts)


def draw(query: Query, count: int, documents: int, seed: int, step: int) -> np.ndarray:
    """`count` rows (int64) of the collection's documents but for the query's positives, and itself where the
    study excludes it; with replacement.

    A document is drawn as its place among the negatives; to get its row, step over every other before it.
    """
    excluded = query.no_negatives
    free = documents - len(excluded)
    if free == 0:
        return np.full(count, -1, dtype=np.int64)
    places = random_generator("negatives", seed, step, query.id).integers(free, size=count)
    # With p_0 < p_1 < ..., the i-th excluded document has p_i - i negatives before it.
    before = excluded - np.arange(len(excluded))
    return places + np.searchsorted(before, places, side="right")
