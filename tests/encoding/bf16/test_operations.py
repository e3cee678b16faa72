"""Every operation against autograd of the textbook formula in float64, at the same masks."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from sirbench.encoding.bf16.masks import Masks
from sirbench.encoding.bf16.operations import add_norm, attention, cast, dropout, linear, look_up

ROWS, WIDTH, HEADS = 40, 16, 4
BATCH, LENGTH = 5, 8


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def drawn(*shape):
    """Numbers that bf16 has, so that inputs of both sides are the same: (bf16, float64), with gradient."""
    values = torch.randn(*shape).bfloat16()
    return values.requires_grad_(), values.detach().double().requires_grad_()


def dropping(shape, probability):
    """A mask, and the factors in float64 that it stands for."""
    mask = Masks(1).draw(shape, probability)
    if mask is None:
        return None, torch.ones(shape, dtype=torch.float64)
    return mask, (mask.bits > mask.threshold).double() * mask.scale


def near(some, other, tolerance=0.01):
    """Whether they differ by rounding to 8 binary digits a few times: 2**-8 is .004."""
    assert some.shape == other.shape
    return float((some.detach().double() - other.detach()).norm() / other.detach().norm()) < tolerance


def module(kind, *arguments):
    """A float32 module with random parameters, and its copy in float64."""
    one = kind(*arguments)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.copy_(torch.randn(parameter.shape).bfloat16())
    other = kind(*arguments).double()
    other.load_state_dict(one.state_dict())
    return one, other


def gradients_are_near(results, inputs, modules):
    """Send the same random gradient back through both sides, and compare what arrives."""
    result, expected = results
    assert result.dtype == torch.bfloat16 and near(result, expected)
    gradient = torch.randn(result.shape).bfloat16()
    result.backward(gradient)
    expected.backward(gradient.double())
    for some, other in inputs:
        assert some.grad.dtype == torch.bfloat16 and near(some.grad, other.grad)
    for some, other in modules:
        for one, two in zip(some.parameters(), other.parameters(), strict=True):
            assert one.grad.dtype == torch.float32 and near(one.grad, two.grad)


def test_linear():
    inputs, (ours, theirs) = drawn(ROWS, WIDTH), module(nn.Linear, WIDTH, 24)
    with torch.no_grad():
        dense = cast(ours)
    gradients_are_near((linear(inputs[0], dense), theirs(inputs[1])), [inputs], [(ours, theirs)])


def test_several_linear_maps_of_the_same_inputs():
    inputs, modules = drawn(ROWS, WIDTH), [module(nn.Linear, WIDTH, size) for size in (24, 8, 16)]
    with torch.no_grad():
        dense = cast(*(ours for ours, _ in modules))
    theirs = torch.cat([theirs(inputs[1]) for _, theirs in modules], dim=1)
    gradients_are_near((linear(inputs[0], dense), theirs), [inputs], modules)


@pytest.mark.parametrize("probability", [0.0, 0.3])
def test_dropout(probability):
    inputs = drawn(ROWS, WIDTH)
    drop, factors = dropping((ROWS, WIDTH), probability)
    gradients_are_near((dropout(inputs[0], drop) * 1, inputs[1] * factors), [inputs], [])


@pytest.mark.parametrize("probability", [0.0, 0.3])
def test_add_norm(probability):
    inputs, residual, (ours, theirs) = drawn(ROWS, WIDTH), drawn(ROWS, WIDTH), module(nn.LayerNorm, WIDTH)
    drop, factors = dropping((ROWS, WIDTH), probability)
    results = add_norm(inputs[0], residual[0], ours, drop), theirs(inputs[1] * factors + residual[1])
    gradients_are_near(results, [inputs, residual], [(ours, theirs)])


def padding_of(padded):
    """Of two sequences in five, one of them of a single token."""
    padding = torch.zeros(BATCH, 1, 1, LENGTH, dtype=torch.bfloat16)
    if padded:
        padding[2, ..., 5:] = padding[4, ..., 1:] = -torch.inf
    return padding


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("probability", [0.0, 0.3])
def test_attention(probability, padded):
    inputs = drawn(BATCH * LENGTH, 3 * WIDTH)
    drop, factors = dropping((BATCH * HEADS, LENGTH, LENGTH), probability)
    padding = padding_of(padded)
    q, k, v = (
        rows.reshape(BATCH, LENGTH, HEADS, WIDTH // HEADS).transpose(1, 2) for rows in inputs[1].chunk(3, 1)
    )
    logits = q @ k.transpose(2, 3) / (WIDTH // HEADS) ** 0.5 + padding.double()
    weights = logits.softmax(-1) * factors.view(BATCH, HEADS, LENGTH, LENGTH)
    theirs = (weights @ v).transpose(1, 2).reshape(BATCH * LENGTH, WIDTH)
    with torch.no_grad():
        fused = attention(inputs[0], BATCH, HEADS, padding if padded else None, drop)
    ours = attention(inputs[0], BATCH, HEADS, padding if padded else None, drop)
    assert near(fused, ours)
    gradients_are_near((ours, theirs), [inputs], [])
    if padded:
        assert not inputs[0].grad.view(BATCH, LENGTH, 3, WIDTH)[2, 5:, 1:].any()


def test_looking_up_adds_to_the_gradient_of_the_table():
    table, rows = nn.Embedding(30, WIDTH, padding_idx=0), torch.randint(0, 30, (BATCH, LENGTH))
    rows[1, 3:] = 0
    gradient = torch.randn(BATCH, LENGTH, WIDTH)
    functional.embedding(rows, table.weight, padding_idx=0).backward(gradient)
    expected, table.weight.grad = table.weight.grad, None
    for times in (1, 2):
        states = look_up(rows, table)
        assert torch.equal(states, table(rows))
        states.backward(gradient)
        torch.testing.assert_close(table.weight.grad, times * expected)
    with torch.no_grad():
        assert not look_up(rows, table).requires_grad
    table.requires_grad_(False)
    assert not look_up(rows, table).requires_grad
