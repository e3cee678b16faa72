import numpy as np
import pytest
import torch
from torch.utils.checkpoint import checkpoint

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.encoding import chunks
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.machine.errors import InputError

SMALL, LARGE = 80, 100_000
"""Chunks of about two pairs, and one chunk for all."""


@pytest.fixture
def model(tiny_backbone):
    """New for each test, float32, with BERT's dropout of 0.1 as soon as it is in training mode."""
    model = load_model(tiny_backbone, seed=1)
    assert model.config.hidden_dropout_prob == model.config.attention_probs_dropout_prob == 0.1
    with torch.no_grad():
        # As drawn, all pairs score alike within 1e-3, which would hide what is compared here.
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(20)
    return model


@pytest.fixture(scope="module")
def pairs(tiny_store):
    """23 pairs of rows, of many lengths, in no order."""
    draw = np.random.default_rng(1)
    return draw.integers(0, 9, 23), draw.permutation(60)[:23]


def encoder(model, store, chunk_tokens=SMALL, precision="fp32"):
    return CrossEncoder(model, store, chunk_tokens=chunk_tokens, precision=precision)


def gradients(model):
    return [parameter.grad.clone() for parameter in model.parameters()]


def difference(some, others):
    """The largest difference, relative to the largest gradient of all."""
    largest = max(float(one.abs().max()) for one in some)
    return max(float((a - b).abs().max()) for a, b in zip(some, others, strict=True)) / largest


def test_scores_are_the_models_logits_in_the_order_of_the_pairs(
    model, tiny_store, tiny_backbone, texts, pairs
):
    documents, queries = (list(part.values()) for part in texts)
    tokenizer = load_tokenizer(tiny_backbone)
    expected = []
    for query, document in zip(*pairs, strict=True):
        inputs = tokenizer(
            [queries[query]],
            [documents[document]],
            truncation="only_second",
            max_length=40,
            return_tensors="pt",
        )
        with torch.no_grad():
            expected.append(float(model.eval()(**inputs).logits))
    scores = encoder(model, tiny_store).score(*pairs)
    assert scores.shape == (23,) and scores.dtype == torch.float32 and not scores.requires_grad
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert np.ptp(expected) > 0.1  # which 1e-5 is small against


@pytest.mark.parametrize("gradient", ["none", "kept", "cached"])
def test_scores_do_not_depend_on_the_chunks(gradient, model, tiny_store, pairs):
    model.eval()
    whole = encoder(model, tiny_store, LARGE).score(*pairs)
    for chunk_tokens in (1, SMALL, 333):
        scores = encoder(model, tiny_store, chunk_tokens).score(*pairs, gradient)
        torch.testing.assert_close(scores.detach(), whole, atol=1e-5, rtol=0)


def test_scores_follow_their_pairs(model, tiny_store, pairs):
    model.eval()
    scores = encoder(model, tiny_store).score(*pairs)
    order = np.random.default_rng(2).permutation(23)
    shuffled = encoder(model, tiny_store).score(*(rows[order] for rows in pairs))
    torch.testing.assert_close(shuffled, scores[order], atol=1e-5, rtol=0)


@pytest.mark.parametrize("gradient", ["none", "kept", "cached"])
def test_no_pairs_no_scores(gradient, model, tiny_store):
    nothing = np.array([], dtype=np.int64)
    scores = encoder(model, tiny_store).score(nothing, nothing, gradient)
    assert scores.shape == (0,) and scores.dtype == torch.float32


def backward(encoder, pairs, gradient, *, between=lambda: None):
    """Scores and gradients of a function of all scores, dropout on, from the same random state."""
    encoder.model.train().zero_grad()
    torch.manual_seed(3)
    encoder.arithmetic.begin_step(3)
    scores = encoder.score(*pairs, gradient)
    between()
    torch.logsumexp(scores, dim=0).backward()
    return scores.detach(), gradients(encoder.model)


def test_cached_gradients_are_autograds_own_with_dropout_on(model, tiny_store, pairs):
    scores, plain = backward(encoder(model, tiny_store), pairs, "kept")
    cached_scores, cached = backward(encoder(model, tiny_store), pairs, "cached")
    assert torch.equal(scores, cached_scores)
    assert difference(plain, cached) < 1e-5


def test_other_forwards_in_between_change_no_cached_gradient(model, tiny_store, pairs):
    """A step of V3 or V4 scores several levels before its one backward."""
    encode = encoder(model, tiny_store)
    _, plain = backward(encode, pairs, "kept")

    def others():
        encode.score(pairs[0][:9], pairs[1][:9], "none")
        encode.score(pairs[0][4:], pairs[1][4:], "cached").sum()
        torch.rand(1000)

    _, cached = backward(encode, pairs, "cached", between=others)
    assert difference(plain, cached) < 1e-5


def test_the_random_state_goes_on_as_if_nothing_were_cached(model, tiny_store, pairs):
    """Or a step's dropout would depend on how gradients are kept."""
    after = []
    for gradient in ("kept", "cached"):
        backward(encoder(model, tiny_store), pairs, gradient)
        after.append(torch.rand(1))
    assert after[0] == after[1]


def test_without_replaying_the_random_state_gradients_are_wrong(model, tiny_store, pairs, monkeypatch):
    """The trap that the replay is for; were it none, the tests above could not fail."""

    def careless(function, *inputs, use_reentrant, preserve_rng_state):
        return checkpoint(function, *inputs, use_reentrant=use_reentrant, preserve_rng_state=False)

    _, plain = backward(encoder(model, tiny_store), pairs, "kept")
    monkeypatch.setattr(chunks, "checkpoint", careless)
    _, wrong = backward(encoder(model, tiny_store), pairs, "cached")
    assert difference(plain, wrong) > 1e-2


def test_two_levels_add_up_their_gradients(model, tiny_store, pairs):
    encode = encoder(model.train(), tiny_store)
    sums = []
    for gradient in ("kept", "cached"):
        model.zero_grad()
        torch.manual_seed(3)
        first, second = (
            encode.score(pairs[0][part], pairs[1][part], gradient) for part in (slice(9), slice(5))
        )
        (first.square().sum() + second.square().sum()).backward()
        sums.append(gradients(model))
    assert difference(*sums) < 1e-5


def test_in_bf16_scores_do_not_tie(model, tiny_store, pairs):
    model.eval()
    scores, exact = (
        encoder(model, tiny_store, precision=precision).score(*pairs) for precision in ("bf16", "fp32")
    )
    assert scores.dtype == torch.float32
    assert not torch.equal(scores, exact)
    assert len(scores.unique()) == len(exact.unique())
    torch.testing.assert_close(scores, exact, rtol=0, atol=0.05)


def test_in_bf16_a_gradient_cache_still_gives_the_gradient(model, tiny_store, pairs):
    encode = encoder(model, tiny_store, precision="bf16")
    (scores, kept), (cached_scores, cached) = (backward(encode, pairs, how) for how in ("kept", "cached"))
    assert torch.equal(scores, cached_scores)
    assert difference(kept, cached) < 1e-2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_on_a_gpu(precision, model, tiny_store, pairs):
    encode = encoder(model.cuda(), tiny_store, precision=precision)
    (scores, plain), (cached_scores, cached) = (backward(encode, pairs, how) for how in ("kept", "cached"))
    assert scores.dtype == torch.float32 and scores.is_cuda
    torch.testing.assert_close(scores, cached_scores)
    assert difference(plain, cached) < (1e-5 if precision == "fp32" else 1e-2)


def test_a_model_with_fewer_positions_than_the_input_is_refused(model, tiny_store):
    model.config.max_position_embeddings = 39
    with pytest.raises(InputError, match=r"input\.max_tokens=40 .* 39 positions"):
        encoder(model, tiny_store)
