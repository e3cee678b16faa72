"""Any number of inputs through a model: in padded chunks of similar length, with results in the given order.

The cross-encoder, the dual encoder and HDCT's regression run this way. Each of them says only how inputs
become a padded batch, and what is read from the model's outputs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from sirbench.data.tokens import PairBatch
from sirbench.encoding.keeping import Room
from sirbench.encoding.precision import Precision, encoding
from sirbench.study.scale import WhatFits

Gradient = Literal["none", "kept", "cached"] | WhatFits
"""`none`: results carry no gradient. `kept`: all activations are kept for the backward pass. `cached`: a
gradient cache, which keeps none and runs each chunk again for its gradient, in the memory of one chunk.
`WhatFits`: chunks are kept as long as there is memory, and the others cached."""

Pad = Callable[[np.ndarray], PairBatch]
"""Makes the padded batch of the inputs with these indices (chunk,)."""

Read = Callable[[Any, Tensor], Tensor]
"""Makes results (chunk, ...) from a model's outputs, as transformers names them, and the attention mask."""

Context = Callable[[], AbstractContextManager[None]]
"""Makes the context of a forward pass: its precision, and where dropout is drawn from."""

Chunk = tuple[np.ndarray, Tensor]
"""Indices (chunk,) of inputs, and their results (chunk, ...)."""

FULL_MASK = ("bert", "electra", "roberta")
"""Types of models that take a mask of (inputs, 1, tokens, tokens) as it is, if they use torch's attention. Of
one of (inputs, tokens) they make the same, but look first whether it masks anything, and wait for the GPU."""


class ChunkedModel:
    """A model that gets at most `chunk_tokens` tokens at once, padding included."""

    def __init__(self, model: PreTrainedModel, chunk_tokens: int, precision: Precision):
        self.model = model
        self.chunk_tokens = chunk_tokens
        self.precision = precision

    @property
    def device(self) -> torch.device:
        """The device of the model's weights."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def next_context(self) -> Context:
        """What the next chunk is computed in; its replay enters it again."""
        return partial(encoding, self.model, self.precision)

    def chunks(
        self, lengths: np.ndarray, pad: Pad, read: Read, gradient: Gradient = "none"
    ) -> Iterator[Chunk]:
        """Yield the results of all inputs chunk by chunk, the longest inputs first.

        A chunk runs when the caller asks for it, so that its backward pass may come before the next chunk.
        `lengths` (inputs,) are in tokens, special tokens included.
        """

        def forward(context: Context, ids: Tensor, real: Tensor, types: Tensor, padded: bool) -> Tensor:
            inputs = {"input_ids": ids}
            if padded:
                inputs["attention_mask"] = self._mask(real)
            if getattr(self.model.config, "type_vocab_size", 0) > 1:
                inputs["token_type_ids"] = types
            with context():
                outputs = self.model(**inputs)
            return read(outputs, real)

        # The second forward of a chunk replays the random state of the first: with other dropout masks, the
        # gradient would be that of another function.
        cached = partial(checkpoint, use_reentrant=False, preserve_rng_state=True)
        room = Room(gradient, self.model) if isinstance(gradient, WhatFits) else None
        for chunk, arrays in one_ahead(pad, chunks_by_length(lengths, self.chunk_tokens)):
            ids, real, types = (self._sent(array) for array in arrays)
            inputs = self.next_context(), ids, real, types, not arrays.attention_mask.all()
            run = partial(forward, *inputs)
            again = gradient == "cached" or (room is not None and not room.takes(ids, run))
            with torch.inference_mode() if gradient == "none" else nullcontext():
                results = cached(forward, *inputs) if again else run()
            yield chunk, results

    def _sent(self, array: np.ndarray) -> Tensor:
        """An array on its way to the device, where what needs it waits for it; this thread does not."""
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor

    def _mask(self, real: Tensor) -> Tensor:
        """The attention mask that the model is given; `real` (inputs, tokens) is 0 where there is padding."""
        config = self.model.config
        if config.model_type in FULL_MASK and config._attn_implementation == "sdpa":
            return real[:, None, None].bool().expand(-1, -1, real.shape[1], -1)
        return real


def one_ahead(
    make: Callable[[np.ndarray], PairBatch], chunks: Sequence[np.ndarray]
) -> Iterator[tuple[np.ndarray, PairBatch]]:
    """Chunks with what is made of them, by a thread while the caller is at work on the chunk before."""
    if len(chunks) < 2:
        yield from ((chunk, make(chunk)) for chunk in chunks)
        return
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(make, chunks[0])
        for number, chunk in enumerate(chunks, start=1):
            made = coming.result()
            if number < len(chunks):
                coming = thread.submit(make, chunks[number])
            yield chunk, made


def in_order(chunks: Iterable[Chunk], empty: Tensor) -> Tensor:
    """Results (inputs, ...) of all chunks in the order of the inputs; without any chunk, `empty` (0, ...)."""
    done = list(chunks)
    if not done:
        return empty
    # argsort of a permutation is its inverse.
    original = torch.from_numpy(np.concatenate([indices for indices, _ in done]).argsort())
    return torch.cat([results for _, results in done])[original.to(empty.device)]


def chunks_by_length(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Indices of `lengths` (inputs,) in chunks, longest inputs first, every input in exactly one chunk.

    The padded size of a chunk, its inputs times the longest of them, stays within `budget` tokens; a single
    input that is longer is a chunk of its own. Longest first, so that too large a budget runs out of memory
    at once. Ties keep their order, so equal lengths always give equal chunks.
    """
    assert lengths.ndim == 1 and budget >= 1, (lengths.shape, budget)
    order = np.argsort(-lengths, kind="stable")
    chunks, start = [], 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        chunks.append(order[start : start + size])
        start += size
    return chunks
