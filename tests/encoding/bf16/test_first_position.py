"""The last layer for one position against transformers' layer for all: the same numbers in float32."""

import pytest
import torch
from torch import nn
from transformers import BertConfig, ElectraConfig
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.electra.modeling_electra import ElectraLayer

from sirbench.encoding.bf16.first_position import first_position
from sirbench.encoding.bf16.masks import Masks

SIZES = {"hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 32, "attn_implementation": "eager"}
LENGTHS = [7, 7, 4, 2, 1]


@pytest.fixture(params=[(BertLayer, BertConfig), (ElectraLayer, ElectraConfig)])
def layer(request):
    torch.manual_seed(0)
    kind, config = request.param
    layer = kind(config(**SIZES))
    with torch.no_grad():
        for module in layer.modules():
            if isinstance(module, nn.Linear):
                module.weight.mul_(20)
                module.bias.normal_()
    return layer.eval()


@pytest.fixture(params=[False, True], ids=["full", "padded"])
def padding(request):
    padding = torch.zeros(len(LENGTHS), 1, 1, max(LENGTHS))
    for row, length in enumerate(LENGTHS if request.param else []):
        padding[row, ..., length:] = -torch.inf
    return padding


def gradients(layer, states, result):
    layer.zero_grad()
    states.grad = None
    (result * torch.randn(result.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
    return [states.grad, *(parameter.grad for parameter in layer.parameters())]


def assert_equal(layer, states, ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    both = (gradients(layer, states, one) for one in (ours, theirs))
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_it_is_the_first_position_of_the_layer(layer, padding):
    states = torch.randn(len(LENGTHS), max(LENGTHS), 16, requires_grad=True)
    ours = first_position(layer, states, 4, padding if padding.any() else None, Masks(1))
    theirs = layer(states, padding)
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    assert ours.shape == (len(LENGTHS), 1, 16)
    assert_equal(layer, states, ours, theirs[:, :1])


def test_it_is_with_dropout_too(layer, padding, monkeypatch):
    """The layer is given the masks of one position, as if they were the first rows of its own."""
    layer.train()
    states = torch.randn(len(LENGTHS), max(LENGTHS), 16, requires_grad=True)
    ours = first_position(layer, states, 4, padding, Masks(1))
    masks = Masks(1)

    def masked(inputs, p, training, inplace=False):
        first = inputs.narrow(-2, 0, 1)
        mask = masks.draw(first.shape, p)
        dropped = first * (mask.bits > mask.threshold) * mask.scale
        return torch.cat([dropped, inputs.narrow(-2, 1, inputs.shape[-2] - 1)], dim=-2)

    with monkeypatch.context() as patch:
        patch.setattr(nn.functional, "dropout", masked)
        theirs = layer(states, padding)
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    assert_equal(layer, states, ours, theirs[:, :1])
    assert not torch.allclose(ours, first_position(layer, states, 4, padding, None), atol=1e-2)
    assert not any("forward" in vars(module) for module in layer.modules())
