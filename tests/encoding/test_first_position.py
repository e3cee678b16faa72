"""The last layer for one position against transformers' layer for all: the same numbers in float32."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, ElectraConfig, RobertaConfig
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.electra.modeling_electra import ElectraLayer

from sirbench.encoding.bf16.dropouts import masked_dropout
from sirbench.encoding.bf16.masks import Masks
from sirbench.encoding.first_position import first_position, last_layer_for_first_position, supports

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
    ours = first_position(layer, states, 4, padding if padding.any() else None)
    theirs = layer(states, padding)
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    assert ours.shape == (len(LENGTHS), 1, 16)
    assert_equal(layer, states, ours, theirs[:, :1])


def test_it_is_with_dropout_too(layer, padding, monkeypatch):
    """The layer is given the masks of one position, as if they were the first rows of its own."""
    layer.train()
    states = torch.randn(len(LENGTHS), max(LENGTHS), 16, requires_grad=True)
    with masked_dropout(layer, Masks(1)):
        ours = first_position(layer, states, 4, padding)
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
    assert not torch.allclose(ours, first_position(layer.eval(), states, 4, padding), atol=1e-2)
    assert not any("forward" in vars(module) for module in layer.modules())


@pytest.fixture(params=["sdpa", "eager"])
def model(request):
    torch.manual_seed(0)
    others = {"vocab_size": 50, "num_hidden_layers": 2, "num_labels": 1, "attn_implementation": request.param}
    model = BertForSequenceClassification(BertConfig(**SIZES | others)).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.mul_(8)
    return model


@pytest.mark.parametrize("lengths", [[7] * 5, LENGTHS], ids=["full", "padded"])
def test_a_model_has_the_scores_and_gradients_that_it_has_with_all_positions(model, lengths):
    ids = torch.randint(1, 50, (len(lengths), 7), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(7) < torch.tensor(lengths)[:, None]).long()

    def run():
        model.zero_grad()
        logits = model(input_ids=ids, attention_mask=mask).logits
        logits.logsumexp(0).backward()
        return [logits, *(parameter.grad.clone() for parameter in model.parameters())]

    theirs = run()
    with last_layer_for_first_position(model.base_model):
        assert model.base_model(ids, mask).last_hidden_state.shape == (len(lengths), 1, 16)
        ours = run()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    assert model.base_model(ids, mask).last_hidden_state.shape == (len(lengths), 7, 16)


def test_its_dropout_leaves_the_mean_as_it_is(model):
    """Of attention's weights in the last layer, which torch's fused attention would draw otherwise."""
    last = model.base_model.encoder.layer[-1]
    last.attention.self.dropout.train()
    last.attention.self.dropout.p = 0.5
    states, value = torch.randn(1, 7, 16).expand(4000, -1, -1), []
    last.attention.output.register_forward_pre_hook(lambda _, inputs: value.append(inputs[0]))
    dropped = first_position(last, states, 4, None)
    first_position(last.eval(), states, 4, None)
    assert dropped.std(0).max() > 0.05
    torch.testing.assert_close(value[0].mean(0), value[1].mean(0), rtol=0, atol=0.1 * float(value[1].std()))


@pytest.mark.parametrize(
    "config",
    [RobertaConfig(), BertConfig(is_decoder=True), BertConfig(attn_implementation="flash_attention_2")],
)
def test_what_is_laid_out_otherwise_is_left_alone(config):
    assert not supports(SimpleNamespace(config=config))
