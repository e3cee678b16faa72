"""V4: conditional probabilities link the levels, and all of them carry a loss (Eq. 7 to 9)."""

import numpy as np
import pytest
import torch

from sirbench.strategies.levels.cpr import FORMS
from sirbench.strategies.losses import LOSSES
from sirbench.strategies.v3 import V3
from sirbench.strategies.v4 import V4
from tests.strategies.equations import gradient, v4
from tests.strategies.scorers import GivenScores, given, make_blocks

eq1 = LOSSES.make("softmax-binary")
LENGTHS = [8, 5, 2, 1]


def slopes(loss, score):
    return torch.autograd.grad(loss.sum(), score.tables)[0]


@pytest.mark.parametrize("cpr", FORMS)
@pytest.mark.parametrize("selection", ["top", "random"])
@pytest.mark.parametrize("sizes", [[8, 3], [8, 5, 3], [8, 6, 4, 2]])
def test_equations_7_to_9_by_loops(sizes, selection, cpr):
    blocks, score = given(LENGTHS, sizes)
    loss = V4(levels=sizes, selection=selection, cpr=cpr).step(blocks, score).loss
    derivative = slopes(loss, score)
    for row, length in enumerate(LENGTHS):
        keys = blocks.keys[row, :length].tolist()
        tables = score.tables[:, row, :length].tolist()

        def equation_9(tables, keys=keys):
            return v4(tables, keys, sizes, selection, cpr)

        assert loss[row].item() == pytest.approx(float(equation_9(tables)), rel=1e-12)
        if length == 5:  # the derivative by loops takes its time; one block, a short one, is enough
            expected = gradient(equation_9, tables)
            np.testing.assert_allclose(derivative[:, row, :length], expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("cpr", FORMS)
@pytest.mark.parametrize("loss_levels", [[1], [2], [3], [3, 1]])
def test_loss_levels_by_loops(loss_levels, cpr):
    sizes = [6, 4, 2]
    blocks, score = given([6], sizes)
    loss = V4(levels=sizes, loss_levels=loss_levels, cpr=cpr).step(blocks, score).loss
    tables = score.tables[:, 0].tolist()
    expected = v4(tables, blocks.keys[0].tolist(), sizes, "top", cpr, loss_levels)
    assert loss.item() == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("cpr", FORMS)
@pytest.mark.parametrize("margin", [40.0, 100.0])
@pytest.mark.parametrize(
    "block",
    [[1, 0, 0.1, 0.2, 0.3], [-1, 0, 0.1, 0.2, 0.3], [0, 1, -1, 0.1, 0.2], [0, 1, 0.9, -1, 0.2]],
    ids=["positive above", "positive below", "a negative above another", "two negatives above"],
)
def test_float32_is_exact_at_any_margin(block, margin, cpr):
    sizes = [5, 4, 2]
    rows = [[margin * value for value in block]] * 3
    tables = torch.tensor(rows, dtype=torch.float32)[:, None].requires_grad_()
    score = GivenScores(tables, sizes)
    loss = V4(levels=sizes, cpr=cpr).step(make_blocks([5]), score).loss

    def equation_9(table):
        return v4(table, [0.0] * 5, sizes, "top", cpr)

    exact = tables.detach()[:, 0].tolist()
    assert loss.item() == pytest.approx(float(equation_9(exact)), rel=2e-6, abs=1e-6)
    np.testing.assert_allclose(slopes(loss, score)[:, 0], gradient(equation_9, exact), rtol=2e-5, atol=1e-6)


# --- feedback to earlier levels -------------------------------------------------------------------------


@pytest.mark.parametrize("cpr", FORMS)
def test_a_later_levels_loss_reaches_the_scores_of_the_level_before(cpr):
    """What V3 lacks: there, the same loss leaves level 1 without gradient."""
    sizes = [8, 3]
    blocks, score = given([8, 5], sizes)
    linked, plain = V4(levels=sizes, loss_levels=[2], cpr=cpr), V3(levels=sizes, loss_levels=[2])
    assert slopes(linked.step(blocks, score).loss, score)[0].any()
    assert score.calls == [(1, True), (2, True)]
    assert not slopes(plain.step(blocks, score).loss, score)[0].any()


def test_with_products_the_feedback_is_the_same_for_both_levels_and_only_for_kept_documents():
    """log CPR_2 = o_1 + o_2 + constants: both scores of a document have one derivative, by hand; those of a
    document that level 1 dropped enter through the constants alone, and cancel."""
    sizes = [6, 3]
    blocks, score = given([6], sizes)
    outcome = V4(levels=sizes, loss_levels=[2], cpr="product").step(blocks, score)
    first, second = slopes(outcome.loss, score)[:, 0]
    kept = outcome.levels[1].positions[0]
    torch.testing.assert_close(first, second)
    assert (first[kept].abs() > 1e-3).all()
    dropped = [document for document in range(6) if document not in kept.tolist()]
    np.testing.assert_allclose(first[dropped], 0, atol=1e-12)
    summed = score.tables.detach().sum(dim=0)[:, kept].requires_grad_()
    eq1(summed, torch.ones(1, 3, dtype=torch.bool)).sum().backward()
    torch.testing.assert_close(first[kept], summed.grad[0])


def test_in_the_printed_form_dropped_documents_share_in_the_probability():
    """Eq. 7 multiplies probabilities over all of S_1: raising a dropped document lowers every P_1."""
    sizes = [6, 3]
    blocks, score = given([6], sizes)
    outcome = V4(levels=sizes, loss_levels=[2], cpr="literal").step(blocks, score)
    kept = outcome.levels[1].positions[0].tolist()
    dropped = [document for document in range(6) if document not in kept]
    assert slopes(outcome.loss, score)[0, 0, dropped].abs().max() > 1e-6


def test_levels_after_the_last_loss_only_select():
    blocks, score = given([8, 5], [8, 5, 3])
    outcome = V4(levels=[8, 5, 3], loss_levels=[1]).step(blocks, score)
    assert score.calls == [(1, True), (2, False)]
    assert len(outcome.levels) == 3 and outcome.loss.isfinite().all()
    blocks, score = given([8, 5], [8, 5, 3])
    V4(levels=[8, 5, 3], selection="random", loss_levels=[1]).step(blocks, score)
    assert score.calls == [(1, True)]


# --- relations to the others ----------------------------------------------------------------------------


def test_two_levels_differ_from_v3_in_the_second_term_only():
    blocks, score = given([8, 5], [8, 3])
    linked = V4(levels=[8, 3], cpr="product").step(blocks, score)
    plain = V3(levels=[8, 3]).step(blocks, score)
    second = linked.levels[1]
    together = score.tables.detach().sum(dim=0).gather(1, second.positions)
    difference = eq1(together, second.mask) - eq1(second.scores, second.mask)
    torch.testing.assert_close(linked.loss - plain.loss, difference)


@pytest.mark.parametrize("cpr", ["product", "geometric", "literal-from-2"])
def test_one_level_is_equation_1(cpr):
    blocks, score = given([8, 5], [8])
    outcome = V4(levels=[8], cpr=cpr).step(blocks, score)
    torch.testing.assert_close(outcome.loss, eq1(score.tables[0], blocks.mask))


@pytest.mark.parametrize("name", ["cross-entropy", "hinge"])
def test_other_losses_take_equation_8s_place(name):
    """With products and two levels, on the summed scores (the hinge sees log CPR up to a constant)."""
    blocks, score = given([8, 5], [8, 3])
    outcome = V4(levels=[8, 3], loss=name, loss_levels=[2], cpr="product").step(blocks, score)
    second = outcome.levels[1]
    summed = score.tables.sum(dim=0).gather(1, second.positions)
    torch.testing.assert_close(outcome.loss, LOSSES.make(name)(summed, second.mask))
