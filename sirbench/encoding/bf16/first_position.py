"""The last layer of an encoder for the first position alone, which is all that a cross-encoder's head reads.

A layer of one position needs neither keys nor values of the others: with q a query, x a state, K and V the
maps of keys and values, q (K x) is (q K) x, and the sum over x of weights times V x is V times the sum of
weights times x. What is left is a small part of a layer, and costs next to nothing even in float32.
"""

import torch
from torch import Tensor, nn

from sirbench.encoding.bf16.dropouts import drop, masked_dropout
from sirbench.encoding.bf16.masks import Masks


def first_position(
    layer: nn.Module, states: Tensor, heads: int, padding: Tensor | None, masks: Masks | None
) -> Tensor:
    """What a layer of BERT or ELECTRA makes of the first position: (batch, 1, width) float32.

    Args:
        layer: the layer.
        states: (batch, length, width) float32, what the layer before has made of all positions.
        heads: of attention.
        padding: (batch, 1, 1, length), -inf where a token is padding, 0 elsewhere; None if none is.
        masks: where dropout of modules in training mode comes from; None for no dropout.
    """
    first = states[:, :1]
    if masks is None:
        return _rest(layer, _seen(layer.attention.self, states, heads, padding, None), first)
    with masked_dropout(layer, masks):
        return _rest(layer, _seen(layer.attention.self, states, heads, padding, masks), first)


def _seen(
    attend: nn.Module, states: Tensor, heads: int, padding: Tensor | None, masks: Masks | None
) -> Tensor:
    """What attention makes of the first position: (batch, 1, width)."""
    batch, _, width = states.shape

    def by_head(parameter: Tensor) -> Tensor:
        return parameter.view(heads, width // heads, *parameter.shape[1:])

    query = attend.query(states[:, 0]).view(batch, heads, -1) * attend.scaling
    logits = torch.einsum("bhd,hdw->bhw", query, by_head(attend.key.weight)) @ states.transpose(1, 2)
    logits = logits + torch.einsum("bhd,hd->bh", query, by_head(attend.key.bias))[..., None]
    if padding is not None:
        logits = logits + padding[:, 0]
    weights = logits.softmax(-1)
    if masks is not None and attend.dropout.training:
        weights = drop(masks, attend.dropout.p, weights)
    seen = torch.einsum("bhw,hdw->bhd", weights @ states, by_head(attend.value.weight))
    # Without dropout the weights add up to 1.
    seen = seen + weights.sum(-1, keepdim=True) * by_head(attend.value.bias)
    return seen.reshape(batch, 1, width)


def _rest(layer: nn.Module, seen: Tensor, first: Tensor) -> Tensor:
    state = layer.attention.output(seen, first)
    return layer.output(layer.intermediate(state), state)
