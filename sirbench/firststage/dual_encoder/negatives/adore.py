"""ADORE: the query encoder alone learns, on what it retrieves at this very step (Zhan et al., SIGIR 2021).

    L = sum over d- in the top n of |delta M| * log(1 + exp(s(q, d-) - s(q, d+)))

Documents keep the embeddings of the model that training starts from, so the ranking is the true one at every
step. |delta M| is LambdaRank's weight (Burges, 2010): how much the measure M would change if d+ and d-
swapped places in the ranking:

    RR:    |1 / r+ - 1 / r-|
    nDCG:  |1 / log2(1 + r+) - 1 / log2(1 + r-)|     (one positive, so the ideal is 1)

The ranking is the top n of the current query encoder without the query's other positives; a positive that is
not in it comes after it, at rank n + 1, as in the authors' code. (That code divides by the number of pairs, a
constant that Adam ignores.) The paper starts from a trained model, best from STAR's; from a bare backbone
(no `start` in the study) the documents' embeddings mean nothing, and there is little to gain.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from sirbench.firststage.dual_encoder.hard_negatives import without_positives
from sirbench.firststage.dual_encoder.negatives import Loss, Policy

if TYPE_CHECKING:
    from torch import Tensor

    from sirbench.firststage.dual_encoder.frozen import FrozenDocuments
    from sirbench.firststage.dual_encoder.queries import Batch, Query

Measure = Literal["RR", "nDCG"]


class ADORE(Policy):
    """The top documents of the query encoder at this step."""

    separate: ClassVar[bool] = True

    top: int = Field(200, ge=1)
    """How many documents are retrieved for each query (the authors: 200)."""
    measure: Measure = "RR"
    """What is optimised."""

    @cached_property
    def frozen(self) -> FrozenDocuments:
        """The documents' embeddings, as `start` leaves them."""
        from sirbench.firststage.dual_encoder.frozen import FrozenDocuments

        return FrozenDocuments(self.learning.folder / "documents", self.encoder.device)

    @cached_property
    def places(self) -> np.ndarray:
        """The place of each document in the alphabet."""
        from sirbench.firststage.dual_encoder.search import alphabetical_places

        return alphabetical_places(self.encoder.store.documents.ids)

    @property
    def documents_per_query(self) -> int:
        """None: documents keep their embeddings."""
        return 0

    def encodings(self, steps: int, continued: bool) -> int:
        """Before the first step."""
        return 1

    def start(self, step: int) -> None:
        """Embed the documents, or load them: a later attempt uses the same embeddings."""
        from sirbench.firststage.dual_encoder.frozen import freeze_documents

        self.encoder.documents.requires_grad_(False).eval()
        folder = self.learning.folder / "documents"
        if step == 0 or not folder.is_dir():
            freeze_documents(self.encoder, folder, self.learning.name)

    def loss(self, batch: Batch, step: int) -> Loss:
        """The mean over queries; both ranking and loss are of this step's embeddings, dropout included."""
        import torch

        from sirbench.firststage.dual_encoder.losses import ranknet

        gradient = self.encoder.compute.gradient
        queries = self.encoder.embed_queries([query.tokens for query in batch.queries], gradient)
        negatives, ranks = self.retrieve(queries.detach(), batch)
        real = torch.from_numpy(negatives >= 0).to(queries.device)
        # A row that is padding may be any document: its weight is 0.
        scores = torch.einsum("qw,qnw->qn", queries, self.frozen.of(negatives.clip(0)))
        positives = (queries * self.frozen.of(batch.positives)).sum(dim=1)
        weights = lambda_weights(torch.from_numpy(ranks).to(queries.device), self.top, self.measure) * real
        return Loss(ranknet(positives, scores, weights).mean(), len(batch.queries))

    def retrieve(self, queries: Tensor, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """The negatives (queries, top) in the top of each query, -1 for none, and the rank of its positive.

        Ranks (queries,) count from 1, without other positives; that of a positive which is not retrieved
        comes after the last negative.
        """
        from sirbench.firststage.dual_encoder.search import search

        most = max(len(query.no_negatives) for query in batch.queries)
        depth = min(len(self.places), self.top + most)
        ranked, _ = search(queries, self.frozen.blocks(), self.places, depth)
        negatives = without_positives(ranked, batch.queries, self.top)
        pairs = zip(ranked, batch.queries, batch.positives, strict=True)
        return negatives, np.array([rank_among(*pair, self.top) for pair in pairs], dtype=np.int64)


def rank_among(ranked: np.ndarray, query: Query, positive: int, top: int) -> int:
    """Rank (from 1) of a positive among the ranked documents without the query's other positives and itself.

    At most `top + 1`, which says that it is not among the first `top`.
    """
    others = query.no_negatives[query.no_negatives != positive]
    alone = ranked[~np.isin(ranked, others)][:top]
    found = np.flatnonzero(alone == positive)
    return int(found[0]) + 1 if len(found) else len(alone) + 1


def lambda_weights(ranks: Tensor, top: int, measure: Measure) -> Tensor:
    """|delta M| (queries, top) of swapping each query's positive, at `ranks` (queries,), with each negative.

    The i-th negative has rank i before the positive and i + 1 behind it.
    """
    import torch

    places = torch.arange(1, top + 1, device=ranks.device)
    negative_ranks = places + (places >= ranks[:, None])
    return (_gain(ranks[:, None].float(), measure) - _gain(negative_ranks.float(), measure)).abs()


def _gain(ranks: Tensor, measure: Measure) -> Tensor:
    """What a relevant document at a rank (from 1) contributes to a measure."""
    return 1 / ranks if measure == "RR" else 1 / (1 + ranks).log2()
