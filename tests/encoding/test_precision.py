import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    ElectraConfig,
    ElectraForSequenceClassification,
)

from sirbench.encoding.precision import encoding

SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_labels": 1,
}


@pytest.fixture(
    params=[(BertForSequenceClassification, BertConfig), (ElectraForSequenceClassification, ElectraConfig)]
)
def model(request):
    architecture, config = request.param
    torch.manual_seed(0)
    return architecture(config(**SIZES)).eval()


@pytest.fixture
def input_ids():
    return torch.randint(0, 50, (200, 12), generator=torch.Generator().manual_seed(0))


def test_the_encoder_computes_in_bf16_and_the_head_in_float32(model, input_ids):
    """Worked out by hand: autocast around the encoder alone, and the head on its outputs."""
    with torch.no_grad():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = model.base_model(input_ids)
        if isinstance(model, BertForSequenceClassification):
            expected = model.classifier(outputs.pooler_output.float())
        else:
            expected = model.classifier(outputs.last_hidden_state.float())
        with encoding(model, "bf16"):
            logits = model(input_ids).logits
    assert logits.dtype == torch.float32
    assert torch.equal(logits, expected)


def test_matrix_products_of_the_encoder_are_bf16_and_scores_are_finer(model, input_ids):
    kinds = set()
    for layer in model.base_model.encoder.layer:
        layer.output.dense.register_forward_hook(lambda module, inputs, output: kinds.add(output.dtype))
    with torch.no_grad(), encoding(model, "bf16"):
        logits = model(input_ids).logits
    assert kinds == {torch.bfloat16}
    assert (logits == logits.bfloat16().float()).float().mean() < 0.1


def test_an_encoder_without_a_head_is_its_own_base(input_ids):
    torch.manual_seed(0)
    encoder = BertModel(BertConfig(**SIZES)).eval()
    exact = encoder(input_ids)
    with encoding(encoder, "bf16"):
        rounded = encoder(input_ids)
    for name in ("last_hidden_state", "pooler_output"):
        assert rounded[name].dtype == torch.float32
        assert not torch.equal(rounded[name], exact[name])
        torch.testing.assert_close(rounded[name], exact[name], rtol=0, atol=0.05)


def test_weights_and_their_gradients_stay_float32(model, input_ids):
    with encoding(model, "bf16"):
        model(input_ids).logits.square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.dtype == torch.float32, name
        assert parameter.grad is None or parameter.grad.dtype == torch.float32, name
    assert model.base_model.embeddings.word_embeddings.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_is_as_before_afterwards_whatever_happens(precision, model, input_ids):
    before = model(input_ids).logits
    with pytest.raises(ZeroDivisionError), encoding(model, precision):
        raise ZeroDivisionError
    assert "forward" not in vars(model.base_model)
    assert torch.equal(model(input_ids).logits, before)
