"""Eq. 7 in each of its readings, and why the printed one hardly learns."""

from math import e, exp, log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sirbench.strategies.levels.cpr import FORMS, cpr_logits
from sirbench.strategies.losses import LOSSES
from sirbench.strategies.v4 import V4
from tests.strategies.scorers import GivenScores, make_blocks

eq1 = LOSSES.make("softmax-binary")


def whole(scores):
    return torch.ones(scores.shape, dtype=torch.bool)


def cpr(p, form):
    log_p = [torch.tensor([row], dtype=torch.float64).log() for row in p]
    return torch.softmax(cpr_logits(log_p, whole(log_p[0]), form), dim=1)[0]


P_1 = [0.5, 0.2, 0.1]  # what level 1 gave to the three documents that level 2 still has
P_2 = [0.6, 0.1, 0.3]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("product", [0.30 / 0.35, 0.02 / 0.35, 0.03 / 0.35]),
        ("geometric", np.sqrt([0.30, 0.02, 0.03]) / np.sqrt([0.30, 0.02, 0.03]).sum()),
        ("literal", np.exp([0.30, 0.02, 0.03]) / np.exp([0.30, 0.02, 0.03]).sum()),
        ("literal-from-2", np.exp([0.30, 0.02, 0.03]) / np.exp([0.30, 0.02, 0.03]).sum()),
    ],
)
def test_two_levels_by_hand(form, expected):
    np.testing.assert_allclose(cpr([P_1, P_2], form), expected, rtol=1e-12)


@pytest.mark.parametrize("form", ["product", "geometric", "literal-from-2"])
def test_at_level_1_these_forms_are_the_plain_probability(form):
    np.testing.assert_allclose(cpr([P_2], form), P_2, rtol=1e-12)


def test_at_level_1_the_printed_form_is_a_softmax_of_probabilities():
    np.testing.assert_allclose(cpr([P_2], "literal"), np.exp(P_2) / np.exp(P_2).sum(), rtol=1e-12)


def test_recipes_know_every_form_and_no_other():
    assert set(V4.model_fields["cpr"].annotation.__args__) == set(FORMS)


def test_levels_that_are_not_aligned_are_refused():
    with pytest.raises(AssertionError):
        cpr_logits([torch.zeros(1, 4), torch.zeros(1, 3)], torch.ones(1, 3, dtype=torch.bool), "product")


@pytest.mark.parametrize("form", FORMS)
def test_padding_adds_nothing_and_gets_no_gradient(form):
    mask = torch.tensor([[True, True, True, False]])
    scores = torch.tensor([[1.0, 2.0, 0.0, 9.0]], dtype=torch.float64, requires_grad=True)
    log_p = torch.log_softmax(scores.masked_fill(~mask, -torch.inf), dim=1)
    logits = cpr_logits([log_p, log_p], mask, form)
    assert logits.isfinite().all()  # log P of padding is -inf, which a loss could not multiply by its mask
    short = torch.log_softmax(torch.tensor([[1.0, 2.0, 0.0]], dtype=torch.float64), dim=1)
    torch.testing.assert_close(logits[:, :3], cpr_logits([short, short], whole(short), form))
    slope = torch.autograd.grad(eq1(logits, mask).sum(), scores)[0]
    assert slope.isfinite().all() and slope[0, 3] == 0


# --- the trap of Eq. 7 as printed -----------------------------------------------------------------------


def literal_level_1(scores):
    """CPR_1 of the positive and the loss of level 1, for one block."""
    log_p = torch.log_softmax(torch.tensor([scores], dtype=torch.float64), dim=1)
    logits = cpr_logits([log_p], whole(log_p), "literal")
    return torch.softmax(logits, dim=1)[0, 0].item(), eq1(logits, whole(logits)).item()


def test_the_best_88_documents_can_do_by_hand():
    """P_0 = 1: CPR_0 = e / (e + 87) = .030, the others 1 / (e + 87)."""
    probability, loss = literal_level_1([1000.0] + [0.0] * 87)
    assert probability == pytest.approx(e / (e + 87))
    assert loss == pytest.approx(-log(e / (e + 87)) - 87 * log(1 - 1 / (e + 87)))
    assert round(probability, 3) == 0.030 and round(loss, 2) == 4.47


def test_the_worst_88_documents_can_do_by_hand():
    """P_1 = 1: CPR_1 = e / (e + 87), the others 1 / (e + 87) = .011."""
    probability, loss = literal_level_1([0.0, 1000.0] + [0.0] * 86)
    assert probability == pytest.approx(1 / (e + 87))
    expected = -log(1 / (e + 87)) - log(1 - e / (e + 87)) - 86 * log(1 - 1 / (e + 87))
    assert loss == pytest.approx(expected)
    assert round(probability, 3) == 0.011 and round(loss, 2) == 5.49


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-100, 100), min_size=88, max_size=88))
def test_whatever_the_scores_of_88_documents_the_printed_form_stays_between_these(scores):
    probability, loss = literal_level_1(scores)
    assert 1 / (e + 87) - 1e-12 <= probability <= e / (e + 87) + 1e-12
    assert 4.465 <= loss <= 5.495


@pytest.mark.parametrize(("level", "about"), [(1, 1e-2), (2, 5e-4), (3, 4e-5)])
def test_the_printed_forms_gradient_nearly_vanishes_at_equal_scores(level, about):
    """With all scores equal, Eq. 1's gradient is g = (-1, 1/(n-1), ...) for n documents (test_losses).

    In CPR_i the logits are products of P_1 = 1/88 ... P_i = 1/n; each factor contributes that product
    times g, since sum(g) = 0. Sharing one forward adds the i factors up. Eq. 1 itself has a norm of 1.01.
    """
    sizes = [88, 48, 16][:level]
    tables = torch.zeros(level, 1, 88, dtype=torch.float64, requires_grad=True)
    strategy = V4(levels=sizes, loss_levels=[level], cpr="literal", forward="shared")
    loss = strategy.step(make_blocks([88]), GivenScores(tables, sizes)).loss
    norm = torch.autograd.grad(loss.sum(), tables)[0].norm().item()
    n = sizes[-1]
    assert norm == pytest.approx(level / np.prod(sizes) * (1 + 1 / (n - 1)) ** 0.5, rel=1e-9)
    assert about / 1.5 < norm < about * 1.5


def test_from_level_2_on_the_first_level_keeps_equation_1():
    scores = torch.randn(3, 88, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    log_p = torch.log_softmax(scores, dim=1)
    logits = cpr_logits([log_p], whole(scores), "literal-from-2")
    torch.testing.assert_close(eq1(logits, whole(scores)), eq1(scores, whole(scores)))


def test_a_product_that_underflows_leaves_finite_losses():
    log_p = torch.tensor([[-0.0, -300.0, exp(5) * -3]])
    for form in FORMS:
        logits = cpr_logits([log_p, log_p, log_p], whole(log_p), form)
        assert eq1(logits, whole(log_p)).isfinite().all()
