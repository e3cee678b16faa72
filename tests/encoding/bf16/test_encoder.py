"""The encoder in bf16 against transformers' own in float32."""

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaModel,
)

from sirbench.encoding.bf16.encoder import Bf16Encoder, supports
from sirbench.encoding.bf16.masks import Masks

SIZES = {
    "vocab_size": 50,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "num_labels": 1,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.2,
    "attn_implementation": "eager",
}
NORM, COSINE = 0.05, 0.998
"""How far a parameter's gradient may be from float32's: relative norm of the difference, and angle.

As far as autocast's; the bias of a key apart, whose gradient is 0 but for rounding.
"""


@pytest.fixture(
    params=[
        (BertForSequenceClassification, BertConfig, {}),
        (ElectraForSequenceClassification, ElectraConfig, {"embedding_size": 64}),
        (ElectraForSequenceClassification, ElectraConfig, {"embedding_size": 32}),
    ],
    ids=["bert", "electra", "electra, narrow embeddings"],
)
def model(request):
    architecture, config, others = request.param
    torch.manual_seed(0)
    model = architecture(config(**SIZES, **others)).eval()
    with torch.no_grad():
        # As drawn, attention is all but uniform and biases are 0, which would hide mistakes.
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.mul_(6)
                module.bias.normal_(std=0.1)
    return model


@pytest.fixture(params=[False, True], ids=["full", "padded"])
def batch(request):
    generator = torch.Generator().manual_seed(0)
    ids, types = (torch.randint(low, high, (6, 12), generator=generator) for low, high in ((1, 50), (0, 2)))
    mask = torch.ones_like(ids)
    if request.param:
        for row, length in enumerate([12, 12, 9, 5, 2, 1]):
            mask[row, length:] = ids[row, length:] = types[row, length:] = 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def states_of(model, batch, masks=None, first_only=False):
    return Bf16Encoder(model.base_model)(**batch, masks=masks, first_only=first_only).last_hidden_state


def gradients_of(model, states, batch):
    """Of all parameters that have one, for a fixed random gradient of the states that are not padding."""
    generator = torch.Generator().manual_seed(1)
    gradient = torch.randn(batch["input_ids"].shape + states.shape[2:], generator=generator)
    gradient *= batch["attention_mask"][..., None]
    model.zero_grad()
    states.backward(gradient[:, : states.shape[1]])
    named = model.base_model.named_parameters()
    return {name: one.grad.clone() for name, one in named if one.grad is not None and "key.bias" not in name}


def assert_near(gradients, expected):
    assert gradients.keys() == expected.keys() and gradients
    for name, gradient in gradients.items():
        assert gradient.dtype == torch.float32
        distance = (gradient - expected[name]).norm() / expected[name].norm()
        angle = torch.cosine_similarity(gradient.flatten(), expected[name].flatten(), 0)
        assert distance < NORM and angle > COSINE, (name, float(distance), float(angle))


def test_states_and_gradients_are_near_those_of_float32(model, batch):
    expected = model.base_model(**batch).last_hidden_state
    states = states_of(model, batch)
    real = batch["attention_mask"].bool()
    assert states.dtype == torch.float32 and states.shape == expected.shape
    assert (states - expected)[real].abs().max() < 0.1 < expected[real].std()
    assert_near(gradients_of(model, states, batch), gradients_of(model, expected, batch))


def test_gradients_are_near_those_of_float32_at_equal_masks(model, batch, monkeypatch):
    """transformers asks torch for dropout in the same order, so its masks can be given to it."""
    model.train()
    masks = Masks(5)

    def masked(inputs, p, training, inplace=False):
        assert training and not inplace
        mask = masks.draw(inputs.shape, p)
        return inputs * (mask.bits > mask.threshold) * mask.scale

    with monkeypatch.context() as patch:
        patch.setattr(nn.functional, "dropout", masked)
        expected = model.base_model(**batch).last_hidden_state
    without = gradients_of(model, states_of(model, batch), batch)
    expected = gradients_of(model, expected, batch)
    assert_near(gradients_of(model, states_of(model, batch, Masks(5)), batch), expected)
    name = "encoder.layer.0.output.dense.weight"
    assert (without[name] - expected[name]).norm() > 0.2 * expected[name].norm()


def test_the_first_position_alone_is_the_same_as_the_first_of_all(model, batch):
    first, every = (states_of(model, batch, first_only=first) for first in (True, False))
    assert first.shape == (6, 1, 64)
    torch.testing.assert_close(first, every[:, :1], rtol=0, atol=0.05)
    expected = model.base_model(**batch).last_hidden_state[:, :1]
    assert_near(gradients_of(model, first, batch), gradients_of(model, expected, batch))


def test_the_model_around_it_computes_its_own_head_in_float32(model, batch):
    encoder = Bf16Encoder(model.base_model)
    with torch.inference_mode():
        with encoder.in_place(None, first_only=True):
            logits = model(**batch).logits
        outputs = encoder(**batch, masks=None, first_only=True)
        state = outputs.pooler_output if hasattr(model.base_model, "pooler") else outputs.last_hidden_state
        assert torch.equal(logits, model.classifier(state))
        assert not torch.equal(model(**batch).logits, logits)
    assert "forward" not in vars(model.base_model)


def test_modules_in_evaluation_mode_drop_nothing(model, batch):
    assert torch.equal(states_of(model, batch, Masks(1)), states_of(model, batch))
    assert not torch.equal(states_of(model.train(), batch, Masks(1)), states_of(model, batch))


@pytest.mark.parametrize("fused", [False, True])
def test_weights_are_cast_once_a_step(model, batch, fused):
    encoder = Bf16Encoder(model.base_model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=fused)
    encoder(**batch, masks=None, first_only=True).last_hidden_state.sum().backward()
    before = encoder.layers()
    assert encoder.layers() is before
    optimizer.step()
    if fused:
        encoder.forget()
    after = encoder.layers()
    assert torch.equal(
        after[0].up.weight, model.base_model.encoder.layer[0].intermediate.dense.weight.bfloat16()
    )
    assert not torch.equal(after[0].up.weight, before[0].up.weight)


def test_weights_cast_without_gradient_serve_one_with_gradient(model, batch):
    encoder = Bf16Encoder(model.base_model)
    with torch.inference_mode():
        encoder(**batch, masks=None, first_only=True)
    states = encoder(**batch, masks=None, first_only=True).last_hidden_state
    assert gradients_of(model, states, batch)["encoder.layer.0.output.dense.weight"].any()


def test_other_architectures_and_other_activations_are_not_supported(model):
    assert supports(model.base_model)
    sizes = {name: size for name, size in SIZES.items() if name != "num_labels"}
    assert not supports(RobertaModel(RobertaConfig(**sizes)))
    model.base_model.config.hidden_act = "gelu_new"
    assert not supports(model.base_model)
