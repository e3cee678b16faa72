"""The cross-encoder: one relevance score for each (query, document) pair."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sirbench.data.tokens import PairBatch, TokenStore
from sirbench.errors import InputError
from sirbench.ranking.chunks import chunks_by_length

Gradient = Literal["none", "kept", "cached"]


class CrossEncoder:
    """Scores pairs of a token store with any `AutoModelForSequenceClassification` of one label.

    Scores are float32 logits, never squashed: a sigmoid, or bf16, would tie documents that differ.
    """

    def __init__(
        self,
        model: nn.Module,
        store: TokenStore,
        *,
        chunk_tokens: int = 16384,
        precision: Literal["fp32", "bf16"] = "fp32",
    ):
        positions = getattr(model.config, "max_position_embeddings", store.template.max_tokens)
        if store.template.max_tokens > positions:
            raise InputError(
                f"input.max_tokens={store.template.max_tokens} is more than the {positions} positions of the "
                "backbone; lower it"
            )
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
        assert queries.shape == documents.shape and queries.ndim == 1, (queries.shape, documents.shape)
        order, scores = [], []
        with torch.inference_mode() if gradient == "none" else nullcontext():
            for chunk in chunks_by_length(self.store.pair_lengths(queries, documents), self.chunk_tokens):
                batch = self._tensors(self.store.pairs(queries[chunk], documents[chunk]))
                if gradient == "cached":
                    logits = checkpoint(self._forward, *batch, use_reentrant=False, preserve_rng_state=True)
                else:
                    logits = self._forward(*batch)
                order.append(chunk)
                scores.append(logits)
            if not scores:
                return torch.zeros(0, device=self.device)
            # argsort of a permutation is its inverse.
            original = torch.from_numpy(np.concatenate(order).argsort()).to(self.device)
            return torch.cat(scores)[original]

    def _forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if getattr(self.model.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = token_type_ids
        with self._autocast():
            logits = self.model(**inputs).logits
        return logits.float().squeeze(1)

    def _autocast(self) -> AbstractContextManager:
        if self.precision == "bf16" and self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()

    def _tensors(self, batch: PairBatch) -> Iterator[Tensor]:
        return (torch.from_numpy(array).to(self.device, non_blocking=True) for array in batch)
