"""The last layer of an encoder for the first position alone, which is all that a cross-encoder's head reads.

A layer of one position needs neither keys nor values of the others: with q a query, x a state, K and V the
maps of keys and values, q (K x) is (q K) x, and the sum over x of weights times V x is V times the sum of
weights times x. What is left is a small part of a layer: of an encoder with two layers nearly half is saved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel


def has_known_layers(encoder: PreTrainedModel) -> bool:
    """Whether an encoder's layers are laid out as is read here."""
    return encoder.config.model_type in ("bert", "electra") and not encoder.config.is_decoder


def supports(encoder: PreTrainedModel) -> bool:
    """Whether the last layer of an encoder is one that this file computes."""
    return has_known_layers(encoder) and encoder.config._attn_implementation in ("sdpa", "eager")


@contextmanager
def last_layer_for_first_position(encoder: PreTrainedModel) -> Iterator[None]:
    """Within the block an encoder's states are those of its first position alone: (batch, 1, width).

    Dropout stays torch's own, of fewer elements.
    """
    layers: Any = encoder.encoder
    last = layers.layer[-1]
    # On the instance it hides the method of the class, and hooks run around it as ever.
    last.forward = partial(_forward, last, encoder.config.num_attention_heads)
    try:
        yield
    finally:
        del last.forward


def first_position(layer: Any, states: Tensor, heads: int, padding: Tensor | None) -> Tensor:
    """What a layer of BERT or ELECTRA makes of the first position: (batch, 1, width) float32.

    Dropout is that of the layer's own modules: of attention's weights first, then of the two outputs.

    Args:
        layer: the layer.
        states: (batch, length, width) float32, what the layer before has made of all positions.
        heads: of attention.
        padding: (batch, 1, 1, length), -inf where a token is padding, 0 elsewhere; None if none is.
    """
    seen = _seen(layer.attention.self, states, heads, padding)
    state = layer.attention.output(seen, states[:, :1])
    output: Tensor = layer.output(layer.intermediate(state), state)
    return output


def _forward(
    layer: Any, heads: int, states: Tensor, attention_mask: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    """In place of a layer's forward pass; masks are (batch, 1, 1 or length, length), boolean or added."""
    padding = None if attention_mask is None else attention_mask[:, :, :1]
    if padding is not None and padding.dtype == torch.bool:
        padding = torch.zeros(padding.shape, device=padding.device).masked_fill_(~padding, -torch.inf)
    return first_position(layer, states, heads, padding)


def _seen(attend: Any, states: Tensor, heads: int, padding: Tensor | None) -> Tensor:
    """What attention makes of the first position: (batch, 1, width)."""
    batch, _, width = states.shape

    def by_head(parameter: Tensor) -> Tensor:
        return parameter.view(heads, width // heads, *parameter.shape[1:])

    query = attend.query(states[:, 0]).view(batch, heads, -1) * attend.scaling
    logits = torch.einsum("bhd,hdw->bhw", query, by_head(attend.key.weight)) @ states.transpose(1, 2)
    logits = logits + torch.einsum("bhd,hd->bh", query, by_head(attend.key.bias))[..., None]
    if padding is not None:
        logits = logits + padding[:, 0]
    weights = attend.dropout(logits.softmax(-1))
    seen = torch.einsum("bhw,hdw->bhd", weights @ states, by_head(attend.value.weight))
    # Without dropout the weights add up to 1.
    seen = seen + weights.sum(-1, keepdim=True) * by_head(attend.value.bias)
    return torch.reshape(seen, (batch, 1, width))
