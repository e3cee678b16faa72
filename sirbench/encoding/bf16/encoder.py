"""The forward pass of BERT's and ELECTRA's encoder in bf16, weights cast once for as long as they stay."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from sirbench.encoding.bf16.dropouts import masked_dropout
from sirbench.encoding.bf16.masks import Mask, Masks
from sirbench.encoding.bf16.operations import Dense, add_norm, attention, cast, dropout, linear, look_up
from sirbench.encoding.first_position import first_position, has_known_layers


def supports(encoder: PreTrainedModel) -> bool:
    """Whether this file computes what the encoder does: a BERT or an ELECTRA with exact GELU, on the CPU."""
    on_cpu = encoder.device.type == "cpu"
    return has_known_layers(encoder) and encoder.config.hidden_act == "gelu" and on_cpu


@dataclass(frozen=True)
class Layer:
    """A layer: its affine maps in bf16, and its own modules for the rest."""

    asked: Dense
    """Queries, keys and values."""
    joined: Dense
    up: Dense
    down: Dense
    module: Any


@dataclass(frozen=True)
class Chunk:
    """What all layers of a forward pass share."""

    batch: int
    length: int
    heads: int
    padding: Tensor | None
    """(batch, 1, 1, length) bf16, -inf where a token is padding, 0 elsewhere; None if none is."""
    masks: Masks | None
    """None for no dropout."""

    def mask(self, module: nn.Dropout, *shape: int) -> Mask | None:
        """The next mask, where the module is in training mode."""
        return None if self.masks is None or not module.training else self.masks.draw(shape, module.p)


class Bf16Encoder:
    """Computes an encoder's hidden states; the encoder's own parameters stay float32 and get the gradients.

    The bf16 copies of its weights are made at the first use, and again at the first one after a change in
    place that torch counts, as an optimiser's step is and as loading is. Steps of fused optimisers and
    assignments through `.data` are not counted: `forget` the copies after these.
    """

    def __init__(self, encoder: PreTrainedModel):
        assert supports(encoder), encoder.config.model_type
        self.encoder: Any = encoder
        self._layers: list[Layer] = []
        self._cast_of: tuple[tuple[int, int], ...] = ()

    def __call__(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        *,
        masks: Masks | None,
        first_only: bool,
        **settings: object,
    ) -> BaseModelOutputWithPooling:
        """Float32 states of the last layer, and BERT's pooled one.

        Args:
            input_ids: (batch, length), as `token_type_ids`.
            attention_mask: 0 for padding (batch, length) or (batch, 1, length, length); None if none is.
            masks: where dropout of modules in training mode comes from; None for no dropout.
            first_only: states (batch, 1, width) of the first position, all that a cross-encoder's head reads:
                the last layer then skips the others, which is nearly all of it. Otherwise (batch, length,
                width).
            settings: what heads ask of any encoder, e.g. whether to return a tuple; not read.
        """
        heads = self.encoder.config.num_attention_heads
        chunk = Chunk(*input_ids.shape, heads, _padding(attention_mask), masks)
        states = self._embed(input_ids, token_type_ids, chunk)
        layers = self.layers()
        for layer in layers[:-1] if first_only else layers:
            states = _run(layer, states, chunk)
        states = states.view(chunk.batch, chunk.length, -1).float()
        if first_only:
            last = layers[-1].module
            with masked_dropout(last, masks) if masks else nullcontext():
                states = first_position(last, states, heads, chunk.padding)
        pooler = getattr(self.encoder, "pooler", None)
        return BaseModelOutputWithPooling(states, None if pooler is None else pooler(states))

    @contextmanager
    def in_place(self, masks: Masks | None, *, first_only: bool) -> Iterator[None]:
        """Within the block the encoder's own forward pass, and so that of a model around it, is this one."""
        # On the instance it hides the method of the class, and hooks run around it as ever.
        self.encoder.forward = partial(self, masks=masks, first_only=first_only)
        try:
            yield
        finally:
            del self.encoder.forward

    def forget(self) -> None:
        """Cast the weights again before they are used next."""
        self._cast_of = ()

    def layers(self) -> list[Layer]:
        """All layers, cast anew if a parameter is another or has changed."""
        parameters = list(self.encoder.encoder.parameters())
        now = tuple((parameter.data_ptr(), parameter._version) for parameter in parameters)
        if now != self._cast_of:
            # Also where scores are asked for without gradient: the next to use the copies may want one.
            with torch.inference_mode(False), torch.no_grad():
                self._layers = [_cast(module) for module in self.encoder.encoder.layer]
            self._cast_of = now
        return self._layers

    def _embed(self, input_ids: Tensor, token_type_ids: Tensor | None, chunk: Chunk) -> Tensor:
        """The embedding layer in float32, its result in bf16 (batch * length, width)."""
        tables = self.encoder.embeddings
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        states = look_up(input_ids, tables.word_embeddings) + tables.token_type_embeddings(types)
        states = states + tables.position_embeddings(torch.arange(chunk.length))
        states = tables.LayerNorm(states).flatten(0, 1).bfloat16()
        states = dropout(states, chunk.mask(tables.dropout, *states.shape))
        if hasattr(self.encoder, "embeddings_project"):
            states = self.encoder.embeddings_project(states.float()).bfloat16()
        return states


def _padding(attention_mask: Tensor | None) -> Tensor | None:
    if attention_mask is None or attention_mask.all():
        return None
    if attention_mask.ndim == 4:
        attention_mask = attention_mask[:, 0, 0]
    padding = torch.zeros(attention_mask.shape, dtype=torch.bfloat16)
    return padding.masked_fill_(attention_mask == 0, -torch.inf)[:, None, None]


def _run(layer: Layer, states: Tensor, chunk: Chunk) -> Tensor:
    """A layer's states (batch * length, width) from those of the one before."""
    module, output = layer.module, layer.module.attention.output
    weights = chunk.mask(module.attention.self.dropout, chunk.batch * chunk.heads, chunk.length, chunk.length)
    seen = attention(linear(states, layer.asked), chunk.batch, chunk.heads, chunk.padding, weights)
    mask = chunk.mask(output.dropout, *states.shape)
    states = add_norm(linear(seen, layer.joined), states, output.LayerNorm, mask)
    wide = functional.gelu(linear(states, layer.up))
    mask = chunk.mask(module.output.dropout, *states.shape)
    return add_norm(linear(wide, layer.down), states, module.output.LayerNorm, mask)


def _cast(module: Any) -> Layer:
    attend = module.attention
    return Layer(
        cast(attend.self.query, attend.self.key, attend.self.value),
        cast(attend.output.dense),
        cast(module.intermediate.dense),
        cast(module.output.dense),
        module,
    )
