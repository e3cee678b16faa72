"""The cross-encoder: one relevance score for each (query, document) pair, and the pair's embedding."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sirbench.data.tokens import Starts, TokenPairs
from sirbench.encoding.arithmetic import Arithmetic
from sirbench.encoding.chunks import Chunk, ChunkedModel, Context, Gradient, Read, in_order
from sirbench.encoding.passages import passages_of
from sirbench.encoding.positions import check_positions
from sirbench.encoding.precision import Precision
from sirbench.study.scale import Input

__all__ = ["CrossEncoder", "Gradient"]


class CrossEncoder(ChunkedModel):
    """Scores pairs of a token store with any `AutoModelForSequenceClassification` of one label.

    Scores are float32 logits without a sigmoid, which would make different scores equal.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        store: TokenPairs,
        *,
        chunk_tokens: int = 16384,
        precision: Precision = "fp32",
        input: Input | None = None,
    ):
        """An `input` says which passages of documents count; without, their first."""
        check_positions(model, store.template.max_tokens)
        super().__init__(model, chunk_tokens, precision)
        self.store = store
        self.input = input if input and input.passages == "max" else None
        self.arithmetic = Arithmetic(model, precision, first_only=True)

    def next_context(self) -> Context:
        """As of any chunk, but bf16 on a CPU is the suite's own."""
        return partial(self.arithmetic.forward, self.arithmetic.next_chunk())

    def score(self, queries: np.ndarray, documents: np.ndarray, gradient: Gradient = "none") -> Tensor:
        """Scores (pairs,) float32 of rows of queries and of documents, both (pairs,), in the given order.

        Where several passages of a document count, its score is the best of theirs, and with a gradient that
        of the passage which is trained.
        """
        if self.input and gradient == "none":
            best, _ = self._best(self.input, queries, documents)
            return torch.from_numpy(best).to(self.device)
        starts = self._trained(self.input, queries, documents) if self.input else 0
        return self._score(queries, documents, starts, gradient)

    @torch.inference_mode()
    def embed(self, queries: np.ndarray, documents: np.ndarray) -> tuple[Tensor, Tensor]:
        """Scores (pairs,) and embeddings (pairs, width) of the pairs, float32, without gradient.

        The embedding is the encoder's last hidden state at position 0, where BERT and its kin have [CLS]; of
        several passages, that of the best.
        """
        states: list[Tensor] = []

        def keep(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
            states.append(outputs.last_hidden_state)

        def read(outputs: Any, mask: Tensor) -> Tensor:
            return torch.cat([_scores(outputs, mask)[:, None], states.pop()[:, 0]], dim=1)

        starts = self._best(self.input, queries, documents)[1] if self.input else 0
        # A hook finds the states in any architecture, in the forward that computes the scores.
        hook = self.model.base_model.register_forward_hook(keep)
        try:
            empty = torch.zeros(0, 1 + self.model.config.hidden_size, device=self.device)
            both = in_order(self._pairs(queries, documents, starts, read), empty)
        finally:
            hook.remove()
        return both[:, 0], both[:, 1:]

    def _trained(self, input: Input, queries: np.ndarray, documents: np.ndarray) -> Starts:
        """Where the passage of each pair begins that stands for its document in training.

        It is chosen without dropout, as at evaluation, and only where there is a choice: pairs that fit are
        computed as if there were no passages, to the byte.
        """
        starts = np.zeros(len(queries), dtype=np.int64)
        several = np.flatnonzero(passages_of(self.store, queries, documents, input).counts > 1)
        if input.trained_passage == "first" or not len(several):
            return starts
        mode = self.model.training
        self.model.eval()
        try:
            _, starts[several] = self._best(input, queries[several], documents[several])
        finally:
            self.model.train(mode)
        return starts

    def _best(
        self, input: Input, queries: np.ndarray, documents: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best score of each pair's passages, and the token that the passage begins at."""
        passages = passages_of(self.store, queries, documents, input)
        of, starts = passages.pairs, passages.numbers * input.step
        scores, numbers = passages.best(self._score(queries[of], documents[of], starts).cpu().numpy())
        return scores, numbers * input.step

    def _score(
        self, queries: np.ndarray, documents: np.ndarray, starts: Starts, gradient: Gradient = "none"
    ) -> Tensor:
        """Scores of the pairs, each document from its start on."""
        chunks = self._pairs(queries, documents, starts, _scores, gradient)
        return in_order(chunks, torch.zeros(0, device=self.device))

    def _pairs(
        self,
        queries: np.ndarray,
        documents: np.ndarray,
        starts: Starts,
        read: Read,
        gradient: Gradient = "none",
    ) -> Iterator[Chunk]:
        assert queries.shape == documents.shape and queries.ndim == 1, (queries.shape, documents.shape)
        begin = np.broadcast_to(starts, queries.shape)
        lengths = self.store.pair_lengths(queries, documents, begin)
        return self.chunks(
            lengths,
            lambda chunk: self.store.pairs(queries[chunk], documents[chunk], begin[chunk]),
            read,
            gradient,
        )


def _scores(outputs: Any, mask: Tensor) -> Tensor:
    logits: Tensor = outputs.logits
    return logits.squeeze(1)
