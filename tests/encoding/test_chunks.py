import threading
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModel

from sirbench.backbones.checkpoint import load_encoder
from sirbench.data.tokens import PairBatch
from sirbench.encoding.chunks import FULL_MASK, ChunkedModel, chunks_by_length, in_order, one_ahead

lengths = st.lists(st.integers(0, 512), max_size=200).map(np.array)


def test_longest_first_under_the_budget():
    chunks = chunks_by_length(np.array([3, 8, 5, 8, 1, 2]), budget=16)
    # 2 pairs of 8; then 3 of 5; then what is left.
    assert [chunk.tolist() for chunk in chunks] == [[1, 3], [2, 0, 5], [4]]


def test_nothing_to_cut():
    assert chunks_by_length(np.array([], dtype=np.int64), budget=16) == []


@given(lengths, st.integers(1, 5000))
def test_every_index_once_budget_kept_longest_first(lengths, budget):
    chunks = chunks_by_length(lengths, budget)
    order = [int(index) for chunk in chunks for index in chunk]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[i] for i in order] == sorted(lengths, reverse=True)
    for chunk in chunks:
        assert len(chunk) == 1 or len(chunk) * lengths[chunk].max() <= budget


@given(lengths, st.integers(1, 5000))
def test_no_chunk_could_take_the_next_pair(lengths, budget):
    for chunk in chunks_by_length(lengths, budget)[:-1]:
        assert (len(chunk) + 1) * max(1, lengths[chunk].max()) > budget


@given(lengths, st.integers(1, 5000))
def test_equal_lengths_keep_their_order(lengths, budget):
    order = np.concatenate([*chunks_by_length(lengths, budget), np.array([], dtype=np.int64)]).astype(int)
    assert all(a < b for a, b in pairwise(order) if lengths[a] == lengths[b])


@given(lengths, st.integers(1, 5000))
def test_results_of_chunks_come_back_in_the_order_of_the_inputs(lengths, budget):
    inputs = torch.arange(2 * len(lengths)).view(-1, 2)
    chunks = ((chunk, inputs[chunk]) for chunk in chunks_by_length(lengths, budget))
    assert torch.equal(in_order(chunks, inputs[:0]), inputs)


@pytest.fixture
def chunks(tiny_backbone, tiny_store):
    """Makes the chunks of 60 documents, and of each document the state of its first token."""
    chunked = ChunkedModel(load_encoder(tiny_backbone).train(), 200, "fp32")
    rows, template = np.arange(60), tiny_store.template

    def make(gradient):
        return chunked, chunked.chunks(
            tiny_store.documents.lengths(rows) + template.special_of_single,
            lambda chunk: template.singles([tiny_store.documents[row] for row in chunk]),
            lambda outputs, mask: outputs.last_hidden_state[:, 0],
            gradient,
        )

    return make


@pytest.mark.parametrize("gradient", ["none", "kept", "cached"])
def test_a_chunk_runs_when_it_is_asked_for_and_leaves_the_callers_mode_alone(gradient, chunks):
    chunked, made = chunks(gradient)
    sizes = []
    chunked.model.register_forward_hook(lambda module, inputs, outputs: sizes.append(len(outputs[0])))
    assert sizes == []
    for number, (rows, states) in enumerate(made, start=1):
        assert len(sizes) == number and sizes[-1] == len(rows) == len(states)
        assert states.requires_grad == (gradient != "none")
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    assert len(sizes) > 5 and sum(sizes) == 60


def test_a_backward_pass_after_each_chunk_gives_the_gradient_of_all(chunks):
    """Dropout included: a backward pass draws nothing."""

    def gradient(how, *, each):
        chunked, made = chunks(how)
        torch.manual_seed(1)
        if each:
            for _, states in made:
                (states**3).sum().backward()
        else:
            (in_order(made, torch.zeros(0, 16)) ** 3).sum().backward()
        return chunked.model.embeddings.word_embeddings.weight.grad

    whole = gradient("kept", each=False)
    assert whole.abs().max() > 0.1
    for how in ("kept", "cached"):
        torch.testing.assert_close(gradient(how, each=True), whole, atol=1e-4, rtol=1e-4)


def test_a_thread_is_one_chunk_ahead():
    """And not more: memory is for one. What it raises arrives."""
    made = []

    def make(chunk):
        made.append((chunk, threading.current_thread() is threading.main_thread()))
        if chunk == 9:
            raise OSError("no such tokens")
        return -chunk

    seen = []
    with pytest.raises(OSError, match="no such tokens"):
        for chunk, result in one_ahead(make, [3, 1, 4, 9, 5]):
            seen.append((chunk, result))
            assert len(made) <= len(seen) + 1
    assert seen == [(3, -3), (1, -1), (4, -4)]
    assert made == [(3, False), (1, False), (4, False), (9, False)]
    assert list(one_ahead(make, [7])) == [(7, -7)] and made[-1] == (7, True)
    assert list(one_ahead(make, [])) == []


@pytest.mark.parametrize("kind", [*FULL_MASK, "distilbert"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_states_are_those_of_the_model_given_the_whole_mask(kind, attention):
    """To the bit, with padding and without, whatever form of mask the model gets."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    if kind == "distilbert":
        sizes = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
    torch.manual_seed(1)
    config = AutoConfig.for_model(kind, vocab_size=50, attn_implementation=attention, **sizes)
    model = AutoModel.from_config(config).eval()
    lengths = np.array([7, 7, 5, 4, 2, 2])
    draw = np.random.default_rng(1)

    def pad(chunk):
        ids = draw.integers(3, 50, (len(chunk), lengths[chunk].max()))
        real = (np.arange(ids.shape[1]) < lengths[chunk][:, None]).astype(np.int64)
        batches.append({"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(real)})
        return PairBatch(ids, real, np.zeros_like(ids))

    batches = []
    chunked = ChunkedModel(model, 14, "fp32")
    found = list(chunked.chunks(lengths, pad, lambda outputs, real: outputs.last_hidden_state))
    assert [len(batch["input_ids"]) for batch in batches] == [2, 2, 2]  # the second of them is padded
    for batch, (_, states) in zip(batches, found, strict=True):
        with torch.inference_mode():
            assert torch.equal(states, model(**batch).last_hidden_state)
