"""Eq. 1 and its alternatives, against direct formulas, exact mathematics, and torch's own losses."""

import os
import shutil
import subprocess
import sys
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf
from torch.nn import functional

import sirbench
from sirbench.machine.errors import InputError
from sirbench.strategies.losses import LOSSES
from tests.strategies.equations import gradient, probabilities
from tests.strategies.equations import loss as equation_1

NAMES = [
    *("softmax-binary", "cross-entropy", "hinge"),
    *("ranknet", "lambda-loss", "list-net", "list-mle", "approx-ndcg"),
]
"""Every loss that draws nothing at random."""
eq1 = LOSSES.make("softmax-binary")
cross_entropy = LOSSES.make("cross-entropy")
hinge = LOSSES.make("hinge")


def whole(scores):
    return torch.ones(scores.shape, dtype=torch.bool)


def with_gradient(loss, scores, mask=None):
    scores = scores.detach().requires_grad_()
    value = loss(scores, whole(scores) if mask is None else mask)
    return value.detach(), torch.autograd.grad(value.sum(), scores)[0]


# --- Eq. 1 ----------------------------------------------------------------------------------------------


def direct_formula(scores):
    """Eq. 1 of one block and its derivative, written out: with dP_i/ds_k = P_i (i=k) - P_i P_k,
    dL/ds_k = -((k=0) - P_k) + sum over j > 0 of P_j / (1 - P_j) ((j=k) - P_k)."""
    p = np.exp(scores) / np.exp(scores).sum()
    value = -np.log(p[0]) - np.log(1 - p[1:]).sum()
    odds = p / (1 - p)
    odds[0] = 0
    derivative = p + odds - odds.sum() * p
    derivative[0] -= 1
    return value, derivative


@pytest.mark.parametrize("documents", [2, 3, 8, 88])
def test_equation_1_and_its_gradient_equal_the_direct_formula(documents):
    scores = 2 * torch.randn(5, documents, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    value, derivative = with_gradient(eq1, scores)
    expected = [direct_formula(row) for row in scores.numpy()]
    np.testing.assert_allclose(value, [value for value, _ in expected], rtol=1e-12)
    np.testing.assert_allclose(derivative, [row for _, row in expected], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("documents", [2, 16, 88])
def test_equal_scores_by_hand(documents):
    """All P are 1/n: L = log n - (n-1) log(1 - 1/n); dL/ds is -1 for the positive, 1/(n-1) for the others."""
    value, derivative = with_gradient(eq1, torch.full((1, documents), 7.0, dtype=torch.float64))
    assert value.item() == pytest.approx(log(documents) - (documents - 1) * log(1 - 1 / documents), rel=1e-12)
    np.testing.assert_allclose(derivative[0], [-1.0] + [1 / (documents - 1)] * (documents - 1), rtol=1e-12)


def test_a_positive_without_negatives_costs_nothing():
    for name in NAMES:
        value, derivative = with_gradient(LOSSES.make(name), torch.tensor([[5.0]]))
        assert value.item() == 0 and derivative.item() == 0


def test_one_negative_makes_it_twice_the_pairwise_logistic_loss():
    scores = torch.tensor([[1.0, -2.0], [0.5, 0.5], [-3.0, 4.0], [-60.0, 60.0]])
    expected = 2 * functional.softplus(scores[:, 1] - scores[:, 0])
    torch.testing.assert_close(eq1(scores, whole(scores)), expected, rtol=1e-6, atol=0)


MARGINS = {
    "positive far above": lambda m: [m, 0, 0.5, -1],
    "positive far below": lambda m: [-m, 0, 0.5, -1],
    "positive far below equal negatives": lambda m: [-m, 0, 0],
    "one negative far above": lambda m: [0, 0.5, m, -1],
    "one negative far above, one far below": lambda m: [0, m, -m],
    "two equal negatives far above": lambda m: [0, m, m, 1],
    "a staircase": lambda m: [0, m, 2 * m, 3 * m],
    "a single negative, far above": lambda m: [0, m],
}


@pytest.mark.parametrize("margin", [15.0, 17.0, 40.0, 100.0])
@pytest.mark.parametrize("case", MARGINS)
def test_float32_is_exact_at_any_margin(case, margin):
    """Against 300-digit numbers. 1e-6: values below float32's rounding of the sum of scores may vanish."""
    row = MARGINS[case](margin)
    value, derivative = with_gradient(eq1, torch.tensor([row], dtype=torch.float32))

    def exactly(table):
        return equation_1(probabilities(dict(enumerate(map(mpf, table[0])))))

    assert value.item() == pytest.approx(float(exactly([row])), rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(derivative[0], gradient(exactly, [row])[0], rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=6))
def test_loss_and_gradient_are_finite_for_any_finite_scores(row):
    for name in NAMES:
        value, derivative = with_gradient(LOSSES.make(name), torch.tensor([row], dtype=torch.float32))
        assert value.isfinite().all() and (value >= 0).all()
        assert derivative.isfinite().all()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-20, 20), min_size=2, max_size=6), st.floats(-100, 100))
def test_a_constant_added_to_all_scores_changes_nothing(row, constant):
    scores = torch.tensor([row], dtype=torch.float64)
    for name in NAMES:
        loss = LOSSES.make(name)
        torch.testing.assert_close(
            loss(scores + constant, whole(scores)), loss(scores, whole(scores)), rtol=1e-8, atol=1e-8
        )


# --- the alternatives -----------------------------------------------------------------------------------


def test_cross_entropy_is_torchs_with_the_positive_as_class_0():
    scores = 5 * torch.randn(6, 16, generator=torch.Generator().manual_seed(4))
    expected = functional.cross_entropy(scores, torch.zeros(6, dtype=torch.int64), reduction="none")
    torch.testing.assert_close(cross_entropy(scores, whole(scores)), expected)


def test_cross_entropy_is_the_first_term_of_equation_1():
    scores = torch.randn(6, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    others = -torch.log(1 - torch.softmax(scores, dim=1)[:, 1:]).sum(dim=1)
    torch.testing.assert_close(eq1(scores, whole(scores)), cross_entropy(scores, whole(scores)) + others)


def test_hinge_by_hand():
    """Violations of the margin 1: (1 - (2 - 1.5)) = .5, (1 - (2 - 4)) = 3, none; their mean over 3."""
    value, derivative = with_gradient(hinge, torch.tensor([[2.0, 1.5, 4.0, -1.0]]))
    assert value.item() == pytest.approx(3.5 / 3)
    np.testing.assert_allclose(derivative[0], [-2 / 3, 1 / 3, 1 / 3, 0], rtol=1e-6)


def test_the_margin_of_the_hinge_is_an_option():
    """Violations of the margin 2: (2 - (2 - 1.5)) = 1.5, (2 - (2 - 4)) = 4, none; their mean over 3."""
    scores = torch.tensor([[2.0, 1.5, 4.0, -1.0]])
    wide = LOSSES.make({"name": "hinge", "margin": 2})
    assert wide(scores, whole(scores)).item() == pytest.approx(5.5 / 3)
    with pytest.raises(InputError, match=r"^margin: Input should be greater than 0 \(it says 0\)$"):
        LOSSES.make({"name": "hinge", "margin": 0})


def test_hinge_of_one_negative_is_torchs_margin_ranking_loss():
    scores = 2 * torch.randn(8, 2, generator=torch.Generator().manual_seed(6))
    expected = functional.margin_ranking_loss(
        scores[:, 0], scores[:, 1], torch.ones(8), margin=1.0, reduction="none"
    )
    torch.testing.assert_close(hinge(scores, whole(scores)), expected)


# --- short blocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("padding", [0.0, 1e4, float("inf"), float("-inf"), float("nan")])
def test_a_padded_block_equals_the_same_block_alone(name, padding):
    """Whatever stands in the padding, and wherever it stands."""
    loss = LOSSES.make(name)
    scores = 3 * torch.randn(3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    mask = torch.tensor([[True] * 6, [True, True, False, True, False, False], [True] + [False] * 5])
    value, derivative = with_gradient(loss, scores.masked_fill(~mask, padding), mask)
    for row, real, got, slope in zip(scores, mask, value, derivative, strict=True):
        expected, expected_slope = with_gradient(loss, row[real][None])
        torch.testing.assert_close(got, expected[0])
        torch.testing.assert_close(slope[real], expected_slope[0])
        assert (slope[~real] == 0).all()


# --- one more loss --------------------------------------------------------------------------------------


MY_LOSS = """
from sirbench.strategies.losses import Loss

class Mine(Loss):
    factor: float = 1.0

    def __call__(self, scores, mask):
        return scores[:, 0] * self.factor
"""


def test_a_file_dropped_into_the_folder_is_a_loss_that_recipes_may_name(tmp_path):
    package = tmp_path / "sirbench"
    shutil.copytree(Path(sirbench.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "strategies" / "losses" / "my_loss.py").write_text(MY_LOSS)
    program = (
        "import torch, sirbench\n"
        "from sirbench.strategies import STRATEGIES\n"
        "from sirbench.strategies.losses import LOSSES\n"
        "recipe = STRATEGIES.find('v0')(levels=[2], loss={'name': 'my-loss', 'factor': 42})\n"
        "loss = LOSSES.make(recipe.loss)\n"
        "print(sirbench.__file__, loss(torch.ones(1, 2), torch.ones(1, 2)).item())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(package / "__init__.py"), "42.0"], done.stderr
