"""Losses by loops in float64."""

import math

import pytest
import torch

from sirbench.firststage.dual_encoder.losses import negative_log_likelihood, ranknet

POSITIVES = [1.0, -2.0]
SCORES = [[0.5, 3.0, -1.0], [0.0, -2.0, 60.0]]
NEGATIVE = [[True, False, True], [True, True, True]]


def test_ranknet_is_the_weighted_sum_over_pairs():
    weights = [[0.5, 0.0, 2.0], [1.0, 1.0, 1.0]]
    expected = [
        sum(w * math.log1p(math.exp(s - p)) for w, s in zip(row, scores, strict=True))
        for p, scores, row in zip(POSITIVES, SCORES, weights, strict=True)
    ]
    losses = ranknet(torch.tensor(POSITIVES), torch.tensor(SCORES), torch.tensor(weights))
    assert losses.tolist() == pytest.approx(expected, rel=1e-6)


def test_the_negative_log_likelihood_leaves_out_what_is_no_negative():
    expected = [
        -math.log(math.exp(p) / (math.exp(p) + sum(math.exp(s) for s, n in zip(*row, strict=True) if n)))
        for p, *row in zip(POSITIVES, SCORES, NEGATIVE, strict=True)
    ]
    losses = negative_log_likelihood(torch.tensor(POSITIVES), torch.tensor(SCORES), torch.tensor(NEGATIVE))
    assert losses.tolist() == pytest.approx(expected, rel=1e-6)


def test_with_one_negative_they_are_the_same():
    positives, scores = torch.tensor([1.0, -3.0]), torch.tensor([[4.0], [-3.5]])
    one = ranknet(positives, scores, torch.ones(2, 1))
    torch.testing.assert_close(one, negative_log_likelihood(positives, scores, torch.ones(2, 1).bool()))


def test_a_query_without_negatives_adds_nothing_and_gets_no_gradient():
    positives = torch.tensor([2.0], requires_grad=True)
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    loss = negative_log_likelihood(positives, torch.ones(1, 2), nothing) + ranknet(
        positives, torch.ones(1, 2), nothing.float()
    )
    loss.sum().backward()
    assert loss.tolist() == [0.0] and positives.grad.tolist() == [0.0]
