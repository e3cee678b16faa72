"""Losses of the field beside Eq. 1: each against its formula in plain Python, or against another one."""

from itertools import permutations
from math import e, exp, log, log2

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from sirbench.strategies.losses import LOSSES

ROWS = [[2.0, 1.5, 4.0, -1.0], [0.3, 0.1, -0.2], [1.0, -1.0], [0.0, 3.0, 2.0, 1.0, 5.0]]


def value_of(name, row):
    scores = torch.tensor([row], dtype=torch.float64)
    return LOSSES.make(name)(scores, torch.ones(scores.shape, dtype=torch.bool)).item()


def rank_of(row, place):
    """The rank of a document by score, equal ones by place."""
    return 1 + sum((other, -at) > (row[place], -place) for at, other in enumerate(row))


def discounted(rank):
    return 1 / log2(1 + rank)


# --- RankNet --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
def test_ranknet_is_the_mean_over_pairs_of_the_logistic_loss(row):
    pairs = [log(1 + exp(-(row[0] - other))) for other in row[1:]]
    assert value_of("ranknet", row) == pytest.approx(sum(pairs) / len(pairs))


def test_ranknet_of_one_negative_is_half_of_equation_1():
    assert value_of("ranknet", [0.3, 1.1]) == pytest.approx(value_of("softmax-binary", [0.3, 1.1]) / 2)


# --- LambdaLoss -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("mu", [0, 10])
def test_lambda_loss_by_its_formula(row, mu):
    expected = 0.0
    for place in range(1, len(row)):
        first, other = rank_of(row, 0), rank_of(row, place)
        rho = abs(discounted(first) - discounted(other))
        apart = abs(first - other)
        delta = abs(discounted(apart) - discounted(apart + 1))
        expected += (rho + mu * delta) * log2(1 + exp(-(row[0] - row[place])))
    assert value_of({"name": "lambda-loss", "mu": mu}, row) == pytest.approx(expected)


def test_lambda_loss_bounds_what_is_lost_in_ndcg():
    """NDCG-Loss2 (mu 0) is an upper bound of 1 - nDCG where it ranks the positive below others: each pair
    that is out of order costs at least its weight."""
    row = [0.0, 1.0, 2.0, -3.0]
    lost = 1 - discounted(rank_of(row, 0))
    assert value_of({"name": "lambda-loss", "mu": 0}, row) >= lost / 2 > 0


def test_ranks_are_not_differentiated():
    scores = torch.tensor([[0.0, 1.0, 0.5]], dtype=torch.float64, requires_grad=True)
    LOSSES.make("lambda-loss")(scores, torch.ones(1, 3, dtype=torch.bool)).sum().backward()
    assert scores.grad[0, 0] < 0 < scores.grad[0, 1:].min()
    assert scores.grad.sum().item() == pytest.approx(0, abs=1e-12)


# --- ListNet and ListMLE --------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
def test_list_net_is_torchs_cross_entropy_with_probabilities(row):
    target = torch.tensor([[e] + [1.0] * (len(row) - 1)], dtype=torch.float64)
    expected = functional.cross_entropy(torch.tensor([row], dtype=torch.float64), target / target.sum())
    assert value_of("list-net", row) == pytest.approx(expected.item())


def test_list_net_of_a_large_label_is_cross_entropy():
    large = {"name": "list-net", "label": 60}
    assert value_of(large, ROWS[0]) == pytest.approx(value_of("cross-entropy", ROWS[0]), rel=1e-12)


@pytest.mark.parametrize("row", ROWS)
def test_list_mle_of_equal_weights_is_the_likelihood_of_the_order(row):
    likelihood = 1.0
    for place in range(len(row)):
        likelihood *= exp(row[place]) / sum(exp(it) for it in row[place:])
    loss = value_of({"name": "list-mle", "weights": "equal"}, row)
    assert loss == pytest.approx(-log(likelihood) / len(row))


@pytest.mark.parametrize("row", ROWS)
def test_position_aware_list_mle_weighs_the_top_most(row):
    size = len(row)
    weights = [2 ** (size - place) - 1 for place in range(1, size + 1)]
    terms = [log(sum(exp(it) for it in row[place:])) - row[place] for place in range(size)]
    expected = sum(a * b for a, b in zip(weights, terms, strict=True)) / sum(weights)
    assert value_of("list-mle", row) == pytest.approx(expected)


def test_a_block_of_88_has_weights():
    assert value_of("list-mle", [0.0] * 88) == pytest.approx(
        sum((2.0**-place - 2.0**-88) * log(89 - place) for place in range(1, 89))
        / sum(2.0**-place - 2.0**-88 for place in range(1, 89))
    )


# --- approximate nDCG -----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
def test_approximate_ndcg_of_sharp_comparisons_is_ndcg(row):
    sharp = {"name": "approx-ndcg", "alpha": 1000}
    assert value_of(sharp, row) == pytest.approx(1 - discounted(rank_of(row, 0)), abs=1e-9)


def test_approximate_ndcg_by_hand():
    """alpha 1: r = 1 + sigmoid(0) + sigmoid(log 3) = 1 + 1/2 + 3/4."""
    soft = {"name": "approx-ndcg", "alpha": 1}
    assert value_of(soft, [0.0, 0.0, log(3)]) == pytest.approx(1 - 1 / log2(3.25))


# --- policy gradient ------------------------------------------------------------------------------------


def likelihood(row, order):
    left, product = sum(exp(it) for it in row), 1.0
    for place in order:
        product *= exp(row[place]) / left
        left -= exp(row[place])
    return product


def expected_ndcg(row, cutoff):
    """By all rankings."""
    return sum(
        likelihood(row, order) * discounted(order.index(0) + 1)
        for order in permutations(range(len(row)))
        if order.index(0) < cutoff
    )


@pytest.mark.parametrize("cutoff", [1, 10])
def test_the_policy_s_value_and_gradient_are_those_of_the_expected_ndcg(cutoff):
    """Means of 40,000 rankings, within five standard errors of numbers from all 24 rankings."""
    row = [0.2, 0.9, -0.5, 0.4]
    loss = LOSSES.make({"name": "policy-gradient", "rankings": 400, "cutoff": cutoff})
    scores = torch.tensor([row] * 100, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    value = loss(scores, torch.ones(scores.shape, dtype=torch.bool))
    value.sum().backward()
    assert value.mean().item() == pytest.approx(1 - expected_ndcg(row, cutoff), abs=5 * 0.5 / 200)
    for place in range(4):
        up, down = ([it + step * (at == place) for at, it in enumerate(row)] for step in (1e-5, -1e-5))
        slope = (expected_ndcg(up, cutoff) - expected_ndcg(down, cutoff)) / 2e-5
        column = scores.grad[:, place].numpy()
        assert column.mean() == pytest.approx(-slope, abs=5 * column.std() / 10)


def test_the_policy_draws_the_same_from_the_same_seed_and_reads_no_padding():
    mask = torch.tensor([[True, True, False, True]])
    loss = LOSSES.make("policy-gradient")
    found = []
    for padding in (0.0, float("nan"), float("inf")):
        scores = torch.tensor([[0.1, 0.2, padding, 0.3]], requires_grad=True)
        torch.manual_seed(3)
        value = loss(scores, mask)
        value.sum().backward()
        found.append((value.item(), scores.grad.masked_fill(~mask, 0).tolist()))
        assert scores.grad[0, 2] == 0
    assert found[0] == found[1] == found[2]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-(2.0**60), 2.0**60, width=32), min_size=1, max_size=6))
def test_the_policy_is_finite_for_any_finite_scores(row):
    scores = torch.tensor([row], requires_grad=True)
    value = LOSSES.make("policy-gradient")(scores, torch.ones(scores.shape, dtype=torch.bool))
    value.sum().backward()
    assert 0 <= value.item() <= 1 and np.isfinite(scores.grad.numpy()).all()
    if len(row) == 1:
        assert value.item() == 0
