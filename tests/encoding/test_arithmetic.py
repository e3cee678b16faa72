import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from sirbench.encoding.arithmetic import Arithmetic
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.encoding.precision import encoding

SIZES = {
    "vocab_size": 200,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_labels": 1,
}


@pytest.fixture
def model():
    """Three layers, in training mode, with BERT's dropout of 0.1 in encoder and head."""
    torch.manual_seed(1)
    model = BertForSequenceClassification(BertConfig(**SIZES)).train()
    with torch.no_grad():
        # As drawn, all pairs score alike within 1e-3, which would hide what is compared here.
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.mul_(5)
    return model


@pytest.fixture
def batch():
    ids = torch.randint(5, 40, (40, 12), generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@pytest.fixture(scope="module")
def pairs(tiny_store):
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randint(0, size, (23,), generator=generator).numpy() for size in (9, 60))


def logits(arithmetic, batch, chunk):
    with arithmetic.forward(chunk):
        return arithmetic.model(**batch).logits


def gradients(encoder, pairs, how, key, seed):
    """Scores and gradients of one step, whatever torch has drawn before."""
    encoder.model.zero_grad()
    torch.manual_seed(seed)
    encoder.arithmetic.begin_step(*key)
    scores = encoder.score(*pairs, how)
    torch.rand(seed)
    scores.logsumexp(0).backward()
    return [scores.detach(), *(parameter.grad for parameter in encoder.model.parameters())]


def same(some, others):
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


@pytest.mark.parametrize("chunk_tokens", [80, 100_000])
def test_cached_gradients_are_the_kept_ones_bit_for_bit(model, tiny_store, pairs, chunk_tokens):
    encoder = CrossEncoder(model, tiny_store, chunk_tokens=chunk_tokens, precision="bf16")
    kept = gradients(encoder, pairs, "kept", (1, 0, 0), seed=1)
    assert same(kept, gradients(encoder, pairs, "cached", (1, 0, 0), seed=2))
    assert not same(kept, gradients(encoder, pairs, "cached", (1, 1, 0), seed=1))


def test_every_chunk_has_masks_of_its_own(model, batch):
    arithmetic = Arithmetic(model, "bf16", first_only=True)
    first, second = (arithmetic.next_chunk() for _ in range(2))
    assert not torch.equal(logits(arithmetic, batch, first), logits(arithmetic, batch, second))
    arithmetic.begin_step()
    assert torch.equal(logits(arithmetic, batch, first), logits(arithmetic, batch, arithmetic.next_chunk()))


def test_a_step_begins_with_the_weights_that_there_are(model, batch):
    arithmetic = Arithmetic(model.eval(), "bf16", first_only=True)
    before = logits(arithmetic, batch, ())
    # Past torch's count of changes, as a fused optimiser's are.
    model.base_model.encoder.layer[0].output.dense.weight.data.mul_(5)
    assert torch.equal(logits(arithmetic, batch, ()), before)
    arithmetic.begin_step()
    assert not torch.equal(logits(arithmetic, batch, ()), before)


def test_float32_is_torchs_own_up_to_rounding(model, batch):
    """But for dropout in the last layer, of which it computes the first position alone."""
    arithmetic = Arithmetic(model.eval(), "fp32", first_only=True)
    ours = logits(arithmetic, batch, arithmetic.next_chunk())
    torch.testing.assert_close(ours, model(**batch).logits, rtol=1e-5, atol=1e-6)


def test_float32_of_all_positions_is_torchs_own_to_the_byte(model, batch):
    """Dropout included, and whatever step it is said to be."""
    arithmetic = Arithmetic(model, "fp32", first_only=False)
    arithmetic.begin_step(1, 2, 3)
    torch.manual_seed(5)
    ours = logits(arithmetic, batch, arithmetic.next_chunk())
    torch.manual_seed(5)
    assert torch.equal(ours, model(**batch).logits)


def test_dropout_in_float32_is_drawn_by_torch(model, batch):
    """So a chunk that is computed again, from torch's random state, is the same."""
    arithmetic = Arithmetic(model, "fp32", first_only=True)

    def drawn(seed):
        torch.manual_seed(seed)
        return logits(arithmetic, batch, arithmetic.next_chunk())

    assert torch.equal(drawn(5), drawn(5))
    assert not torch.equal(drawn(5), drawn(6))


def test_the_heads_dropout_has_masks_of_the_chunk_too(model, batch):
    arithmetic = Arithmetic(model, "bf16", first_only=True)
    model.base_model.eval()
    head, plain = logits(arithmetic, batch, (1,)), logits(arithmetic, batch, (2,))
    assert not torch.equal(head, plain)
    assert torch.equal(head, logits(arithmetic, batch, (1,)))
    model.dropout.p = 0.0
    assert torch.equal(logits(arithmetic, batch, (1,)), logits(arithmetic, batch, (2,)))
    assert not any("forward" in vars(module) for module in model.modules())


def test_another_architecture_is_computed_by_autocast(batch):
    torch.manual_seed(0)
    model = RobertaForSequenceClassification(RobertaConfig(**SIZES))
    torch.manual_seed(5)
    ours = logits(Arithmetic(model, "bf16", first_only=True), batch, (1,))
    torch.manual_seed(5)
    with encoding(model, "bf16"):
        assert torch.equal(ours, model(**batch).logits)
