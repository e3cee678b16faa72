"""Chunks that are kept as memory allows: no more than there is room for, and the same bytes in any case."""

from itertools import count

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from sirbench.encoding import keeping
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.encoding.keeping import REST_OF_A_STEP, Measured, Room, activation_bytes
from sirbench.study import Compute
from sirbench.study.scale import WhatFits

AUTO = Compute(gpus=0, mem_mb=1000).gradient
SIZES = {"vocab_size": 200, "hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32}


@pytest.fixture
def model():
    """In training mode, with BERT's dropout of 0.1."""
    torch.manual_seed(1)
    model = BertForSequenceClassification(BertConfig(**SIZES, num_attention_heads=2, num_labels=1)).train()
    with torch.no_grad():
        # As drawn, all pairs score alike within 1e-3, which would hide what is compared here.
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(5)
    return model


@pytest.fixture(scope="module")
def pairs(tiny_store):
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randint(0, size, (23,), generator=generator).numpy() for size in (9, 60))


def pretend(monkeypatch, memory):
    """Let `memory(n)` be what is left at the n-th look, for activations alone; returns who asked."""
    looks, asked = count(), []

    def spare(device, mem_mb):
        asked.append((device, mem_mb))
        return memory(next(looks))

    monkeypatch.setattr(keeping, "spare", spare)
    monkeypatch.setattr(keeping, "REST_OF_A_STEP", 0)
    return asked


def step(encoder, pairs, how, seed=1):
    """Scores and gradients of a step of two levels with dropout, and the forwards that it took."""
    forwards = []
    hook = encoder.model.base_model.register_forward_hook(lambda *_: forwards.append(1))
    encoder.model.zero_grad()
    torch.manual_seed(seed)
    encoder.arithmetic.begin_step(seed)
    first = encoder.score(*pairs, how)
    second = encoder.score(*(rows[:9] for rows in pairs), how)
    torch.rand(5)
    (first.logsumexp(0) + second.logsumexp(0)).backward()
    hook.remove()
    gradients = [parameter.grad for parameter in encoder.model.parameters()]
    return [first.detach(), second.detach(), *gradients, torch.rand(3)], len(forwards)


def same(some, others):
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_kept_cached_and_a_mixture_give_the_same_bytes(precision, model, tiny_store, pairs, monkeypatch):
    encoder = CrossEncoder(model, tiny_store, chunk_tokens=160, precision=precision)
    kept, chunks = step(encoder, pairs, "kept")
    assert chunks > 6
    cached, twice = step(encoder, pairs, "cached")
    assert same(kept, cached) and twice == 2 * chunks
    # Of the first level three or four chunks are kept, of the second one or two.
    pretend(monkeypatch, lambda look: (3 if look % 2 else 5) * 160 * keeping._measured[model].bytes)
    (mixed, forwards), (again, later) = (step(encoder, pairs, AUTO) for _ in range(2))
    assert same(kept, mixed) and same(kept, again)
    assert chunks < later < twice
    assert forwards == later + 1  # once, to see what a chunk keeps
    assert not same(kept, step(encoder, pairs, AUTO, seed=2)[0])


@pytest.mark.parametrize(("memory", "again"), [(10**12, False), (0, True), (-(10**12), True)])
def test_all_or_none_where_memory_is_plenty_or_short(memory, again, model, tiny_store, pairs, monkeypatch):
    encoder = CrossEncoder(model, tiny_store, chunk_tokens=160)
    asked = pretend(monkeypatch, lambda look: memory)
    _, chunks = step(encoder, pairs, "kept")
    step(encoder, pairs, AUTO)
    assert step(encoder, pairs, AUTO)[1] == chunks * (2 if again else 1)
    assert asked == [(torch.device("cpu"), 1000)] * 4  # once a call


def room(model, monkeypatch, memory, size, length=8):
    monkeypatch.setattr(keeping, "spare", lambda device, mem_mb: memory)
    monkeypatch.setattr(keeping, "activation_bytes", lambda forward, model: size)
    return Room(WhatFits(1), model), torch.zeros(4, length)


def test_room_is_left_for_a_backward_pass_and_for_gradients_and_moments(model, monkeypatch):
    weights = sum(parameter.nbytes for parameter in model.parameters())
    room_of, chunk = room(model, monkeypatch, REST_OF_A_STEP * weights + 5500, 1000)
    # Of 5,500 bytes, three chunks of 1,000 are taken while two more would fit.
    assert [room_of.takes(chunk, None) for _ in range(5)] == [True, True, True, False, False]


def test_frozen_weights_have_neither(model, monkeypatch):
    model.requires_grad_(False)
    room_of, chunk = room(model, monkeypatch, 4500, 1000)
    assert room_of.takes(chunk, None)


def test_longer_inputs_are_taken_to_keep_more_and_measured_anew_when_much_longer(model, monkeypatch):
    found = []
    monkeypatch.setattr(keeping, "activation_bytes", lambda forward, model: found.append(1) or 1000)
    monkeypatch.setattr(keeping, "spare", lambda device, mem_mb: 10**9)
    for length in (20, 10, 30, 31, 45):
        Room(WhatFits(1), model).takes(torch.zeros(4, length), None)
    assert len(found) == 2  # at 20, and at 31
    assert Measured(20, 5.0).estimate(4, 10) == 4 * 10 * 5
    assert Measured(20, 5.0).estimate(4, 30) == 4 * 30 * 5 * 1.5


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_estimate_covers_what_chunks_keep(precision, model, tiny_store, pairs):
    """Of every chunk, from a measurement of the longest."""
    encoder = CrossEncoder(model, tiny_store, chunk_tokens=160, precision=precision)
    sizes = []

    def forward(ids):
        with encoder.next_context()():
            return model(input_ids=ids, attention_mask=torch.ones_like(ids))

    for shape in ((4, 40), (5, 30), (8, 20), (16, 10), (6, 60)):
        ids = torch.randint(5, 40, shape)
        sizes.append((shape, activation_bytes(lambda ids=ids: forward(ids), model)))
    ((first, size), *others) = sizes
    measured = Measured(first[1], size / (first[0] * first[1]))
    for shape, size in others:
        assert 0.5 < size / measured.estimate(*shape) <= 1.02


def test_measuring_moves_no_random_state(model, monkeypatch):
    monkeypatch.setattr(keeping, "spare", lambda device, mem_mb: 0)
    torch.manual_seed(1)
    ids = torch.randint(5, 40, (4, 12))
    before = torch.get_rng_state()
    Room(WhatFits(1), model).takes(ids, lambda: model(input_ids=ids).logits)
    assert torch.equal(torch.get_rng_state(), before)
