"""The cross-encoder: one relevance score for each (query, document) pair, and the pair's embedding."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.utils import ModelOutput

from sirbench.data.tokens import PairBatch, TokenPairs
from sirbench.encoding.chunks import chunks_by_length
from sirbench.encoding.positions import check_positions
from sirbench.encoding.precision import Precision, encoding

Gradient = Literal["none", "kept", "cached"]


class CrossEncoder:
    """Scores pairs of a token store with any `AutoModelForSequenceClassification` of one label.

    Scores are float32 logits, never squashed: a sigmoid would tie documents that differ.
    """

    def __init__(
        self,
        model: nn.Module,
        store: TokenPairs,
        *,
        chunk_tokens: int = 16384,
        precision: Precision = "fp32",
    ):
        check_positions(model, store.template.max_tokens)
        self.model = model
        self.store = store
        self.chunk_tokens = chunk_tokens
        self.precision = precision

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    def score(self, queries: np.ndarray, documents: np.ndarray, gradient: Gradient = "none") -> Tensor:
        """Scores (pairs,) float32 of rows of queries and documents, both (pairs,), in the given order.

        `none` carries no gradient. `kept` keeps all activations for the backward pass. `cached` is a
        gradient cache: it keeps none and computes each chunk again when its gradient is asked for, so
        memory is that of one chunk however large the block. The random state of each chunk's first
        forward is replayed, since with other dropout masks the gradient would be another function's.
        """

        def cached(*batch: Tensor) -> Tensor:
            return checkpoint(self._forward, *batch, use_reentrant=False, preserve_rng_state=True)

        with torch.inference_mode() if gradient == "none" else nullcontext():
            forward = cached if gradient == "cached" else self._forward
            return self._in_chunks(forward, queries, documents, torch.zeros(0, device=self.device))

    @torch.inference_mode()
    def embed(self, queries: np.ndarray, documents: np.ndarray) -> tuple[Tensor, Tensor]:
        """Scores (pairs,) and embeddings (pairs, width) of the pairs, float32, without gradient.

        The embedding is the encoder's last hidden state at position 0, where BERT and its kin have [CLS].
        """
        states: list[Tensor] = []

        def forward(*batch: Tensor) -> Tensor:
            scores = self._forward(*batch)
            return torch.cat([scores[:, None], states.pop()[:, 0]], dim=1)

        def keep(module: nn.Module, inputs: tuple, output: ModelOutput) -> None:
            states.append(output.last_hidden_state)

        # A hook finds it in any architecture, in the same forward that scores.
        hook = self.model.base_model.register_forward_hook(keep)
        try:
            nothing = torch.zeros(0, 1 + self.model.config.hidden_size, device=self.device)
            both = self._in_chunks(forward, queries, documents, nothing)
        finally:
            hook.remove()
        return both[:, 0], both[:, 1:]

    def _in_chunks(
        self, forward: Callable[..., Tensor], queries: np.ndarray, documents: np.ndarray, nothing: Tensor
    ) -> Tensor:
        """What `forward` makes of each pair, in the given order; `nothing` where there is no pair."""
        assert queries.shape == documents.shape and queries.ndim == 1, (queries.shape, documents.shape)
        order, values = [], []
        for chunk in chunks_by_length(self.store.pair_lengths(queries, documents), self.chunk_tokens):
            batch = self._tensors(self.store.pairs(queries[chunk], documents[chunk]))
            order.append(chunk)
            values.append(forward(*batch))
        if not values:
            return nothing
        # argsort of a permutation is its inverse.
        original = torch.from_numpy(np.concatenate(order).argsort()).to(self.device)
        return torch.cat(values)[original]

    def _forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if getattr(self.model.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = token_type_ids
        with encoding(self.model, self.precision):
            logits = self.model(**inputs).logits
        return logits.squeeze(1)

    def _tensors(self, batch: PairBatch) -> Iterator[Tensor]:
        return (torch.from_numpy(array).to(self.device, non_blocking=True) for array in batch)
