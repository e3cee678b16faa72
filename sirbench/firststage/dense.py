"""Dense retrieval: queries and documents are vectors, their dot product the score; search is exact.

One dual encoder (`dual_encoder/encoder.py`), one way to search (`search.py`), one training loop
(`training.py`); what differs between STAR, ADORE, ANCE and the rest is where negatives come from and the loss
that is taken of them: `dual_encoder/negatives/`, a file for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import field_validator
from tqdm import tqdm

from sirbench.firststage import Learner, Learning, Texts, Trained
from sirbench.firststage.dual_encoder.negatives import POLICIES
from sirbench.machine.errors import InputError
from sirbench.strategies import Pairs
from sirbench.study.settings import Choice

if TYPE_CHECKING:
    from sirbench.data.documents import Document
    from sirbench.firststage.dual_encoder.encoder import DualEncoder
    from sirbench.study import FirstStage, Input
    from sirbench.training.checkpoint import Progress


class Dense(Learner):
    """The documents whose vectors have the largest products with a query's."""

    negatives: Choice = "star"
    """Name of a file in sirbench/firststage/dual_encoder/negatives/, or that with options:
    `{name: ance, refresh_every: 30}`."""
    pooling: Literal["mean", "cls"] | None = None
    """What of the last hidden states is a text's vector: their mean, or the one at [CLS]; null: as the
    checkpoint was trained, and the mean for a backbone."""

    @field_validator("negatives")
    @classmethod
    def _is_a_policy(cls, negatives: Choice) -> Choice:
        POLICIES.make(negatives)
        return negatives

    def texts(self, spec: FirstStage, input: Input, documents: int) -> list[Texts]:
        """A step's queries and documents; all documents to retrieve from, and as often as the policy asks."""
        steps, policy = spec.training.steps, POLICIES.make(self.negatives)
        queries = steps * spec.training.batch
        passes = 1 + (policy.encodings(steps, continued=spec.start is not None) if steps else 0)
        trained = Pairs(queries * policy.documents_per_query, documents * passes)
        return [Texts(input.max_query_tokens, Pairs(queries)), Texts(input.max_tokens, trained)]

    def train(self, learning: Learning) -> tuple[DualEncoder, Progress]:
        """Train a dual encoder by the policy of negatives; with `steps: 0` it is taken as it is.

        Raises `InputError` for a training query whose positive is not in the collection.
        """
        from sirbench.firststage.dual_encoder.encoder import DOCUMENTS, load_dual_encoder
        from sirbench.firststage.dual_encoder.queries import make_queries
        from sirbench.firststage.dual_encoder.training import DenseTraining
        from sirbench.training.loop import train

        if learning.settings.steps == 0:
            return self._as_it_is(learning)
        policy, start, store = POLICIES.make(self.negatives), learning.start, learning.store
        if (start / DOCUMENTS).is_dir() and not policy.separate:
            raise InputError(
                f"candidates.*.start: documents have an encoder of their own in {start}; only "
                f"negatives: adore can continue from it, not {policy.file_name()}"
            )
        tokens = _tokens(learning.queries, learning, start, learning.name)
        queries = make_queries(
            tokens, learning.positives, store.documents, exclude_self=learning.exclude_self
        )
        encoder = load_dual_encoder(
            start, store, learning.compute, learning.device, pooling=self.pooling, separate=policy.separate
        )
        if encoder.projection is not None:
            raise InputError(
                f"candidates.*.training: the checkpoint in {start} has a projection, which is not "
                "trained here; use it as it is with `steps: 0`"
            )
        task = DenseTraining(
            name=learning.name,
            model=encoder.queries,
            settings=learning.settings,
            folder=learning.folder,
            fingerprint=learning.fingerprint,
            policy=policy.on(learning, encoder, queries),
        )
        return encoder, train(task)

    def _as_it_is(self, learning: Learning) -> tuple[DualEncoder, Progress]:
        """The dual encoder that training would start from: published ones retrieve without any."""
        from sirbench.firststage.dual_encoder.encoder import load_dual_encoder
        from sirbench.training import STEP_LOG
        from sirbench.training.checkpoint import Progress
        from sirbench.training.record import StepLog

        StepLog(learning.folder / STEP_LOG, 0)
        start, store = learning.start, learning.store
        encoder = load_dual_encoder(start, store, learning.compute, learning.device, pooling=self.pooling)
        return encoder, Progress(step=0, seconds=0.0)

    def retrieve(
        self,
        documents: Iterable[Document],
        queries: Mapping[str, str],
        *,
        depth: int,
        trained: Trained | None = None,
    ) -> pd.DataFrame:
        """The run of the `depth` documents of each query with the highest scores, in the order of runs.

        The documents are those of `trained.store`, encoded as the search comes to them; their texts are not
        read again. Raises `InputError` where there are fewer than `depth`.
        """
        from sirbench.firststage.dual_encoder.encoder import load_dual_encoder
        from sirbench.firststage.dual_encoder.search import alphabetical_places, search

        assert trained is not None, "dense retrieves with what it has learned"
        table = trained.store.documents
        if depth > len(table.ids):
            raise InputError(f"depth: {depth} is more than the {len(table.ids)} documents of the collection")
        encoder = load_dual_encoder(trained.folder, trained.store, trained.compute, trained.device)
        tokens = _tokens(queries, trained, trained.folder, "dense")
        with encoder.evaluating():
            embeddings = encoder.embed_queries(list(tokens.values()), name="dense")
            blocks = encoder.document_blocks("dense")
            rows, scores = search(embeddings, blocks, alphabetical_places(table.ids), depth)
        return pd.DataFrame(
            {
                "query_id": pd.Series(np.repeat(np.array(list(queries), dtype=object), depth), dtype="str"),
                "doc_id": pd.Series(table.ids.take(rows.ravel()), dtype="str"),
                "score": scores.ravel().astype(np.float64),
            }
        )


def _tokens(
    queries: Mapping[str, str], given: Learning | Trained, checkpoint: Path, name: str
) -> dict[str, np.ndarray]:
    """The tokens of each query, cut to what the study allows a query."""
    from sirbench.backbones.checkpoint import load_tokenizer
    from sirbench.data.tokens import tokenize_texts

    tokenizer, limit = load_tokenizer(checkpoint), given.input.max_query_tokens
    texts = tqdm(queries.values(), f"{name}: tokens", unit=" queries", delay=2)
    return dict(zip(queries, tokenize_texts(tokenizer, texts, limit), strict=True))
