"""The cross-encoder: one relevance score for each (query, document) pair, and the pair's embedding."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sirbench.data.tokens import TokenPairs
from sirbench.encoding.arithmetic import Arithmetic
from sirbench.encoding.chunks import Chunk, ChunkedModel, Context, Gradient, Read, in_order
from sirbench.encoding.positions import check_positions
from sirbench.encoding.precision import Precision

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
    ):
        check_positions(model, store.template.max_tokens)
        super().__init__(model, chunk_tokens, precision)
        self.store = store
        self.arithmetic = Arithmetic(model, precision, first_only=True)

    def next_context(self) -> Context:
        """As of any chunk, but bf16 on a CPU is the suite's own."""
        return partial(self.arithmetic.forward, self.arithmetic.next_chunk())

    def score(self, queries: np.ndarray, documents: np.ndarray, gradient: Gradient = "none") -> Tensor:
        """Scores (pairs,) float32 of rows of queries and of documents, both (pairs,), in the given order."""
        chunks = self._pairs(queries, documents, _scores, gradient)
        return in_order(chunks, torch.zeros(0, device=self.device))

    @torch.inference_mode()
    def embed(self, queries: np.ndarray, documents: np.ndarray) -> tuple[Tensor, Tensor]:
        """Scores (pairs,) and embeddings (pairs, width) of the pairs, float32, without gradient.

        The embedding is the encoder's last hidden state at position 0, where BERT and its kin have [CLS].
        """
        states: list[Tensor] = []

        def keep(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
            states.append(outputs.last_hidden_state)

        def read(outputs: Any, mask: Tensor) -> Tensor:
            return torch.cat([_scores(outputs, mask)[:, None], states.pop()[:, 0]], dim=1)

        # A hook finds the states in any architecture, in the forward that computes the scores.
        hook = self.model.base_model.register_forward_hook(keep)
        try:
            empty = torch.zeros(0, 1 + self.model.config.hidden_size, device=self.device)
            both = in_order(self._pairs(queries, documents, read), empty)
        finally:
            hook.remove()
        return both[:, 0], both[:, 1:]

    def _pairs(
        self, queries: np.ndarray, documents: np.ndarray, read: Read, gradient: Gradient = "none"
    ) -> Iterator[Chunk]:
        assert queries.shape == documents.shape and queries.ndim == 1, (queries.shape, documents.shape)
        lengths = self.store.pair_lengths(queries, documents)
        return self.chunks(
            lengths, lambda chunk: self.store.pairs(queries[chunk], documents[chunk]), read, gradient
        )


def _scores(outputs: Any, mask: Tensor) -> Tensor:
    logits: Tensor = outputs.logits
    return logits.squeeze(1)
