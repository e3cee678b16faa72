"""What the readings of Eq. 7 come to when one forward serves all levels: the identities of docs/cpr.md.

Each is compared, in value and in gradient, with sums worked out in NumPy's float64 and without any tensor.
"""

import re

import numpy as np
import pytest
import torch

from sirbench.strategies.levels.cpr import FORMS, cpr_logits
from sirbench.strategies.v3 import V3
from sirbench.strategies.v4 import V4
from tests.checkouts import ROOT
from tests.strategies.scorers import GivenScores, SmallModel, given, make_blocks

LENGTHS = [8, 5, 2, 1]
SIZES = pytest.mark.parametrize("sizes", [[8, 3], [8, 5, 3], [8, 6, 4, 2]])
SELECTION = pytest.mark.parametrize("selection", ["top", "random"])
PAGE = (ROOT / "docs/cpr.md").read_text(encoding="utf-8")


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def eq1(scores):
    """Eq. 1 and its derivative by each score, by hand; the positive is first.

    1 - P_j is the sum of the other P, and the derivative of -log(1 - P_j) by o_k is -P_k P_j / (1 - P_j) for
    another k and P_j for k = j: so nothing is subtracted that might cancel.
    """
    p = softmax(scores)
    every_other = 1 - np.eye(len(p))
    others = every_other @ p
    odds = np.append(0, (p / others)[1:]) if len(p) > 1 else np.zeros(1)
    loss = -np.log(p[0]) - np.log(others[1:]).sum()
    first = np.append(-others[0], 2 * p[1:])
    return loss, first - p * (every_other @ odds)


def seen(scores, keys, sizes, selection):
    """The documents that each level sees, the positive first: sorts of what is left, level by level."""
    documents = list(range(len(scores)))
    for size in sizes:
        values = scores if selection == "top" else keys
        documents = [0, *sorted(documents[1:], key=lambda it: -values[it])[: size - 1]]
        yield documents


def summed(scores, keys, sizes, selection, factor):
    """The sum over levels i of Eq. 1 on `factor(i)` times the scores of the level's documents."""
    total, slope = 0.0, np.zeros(len(scores))
    for number, documents in enumerate(seen(scores, keys, sizes, selection), start=1):
        loss, derivative = eq1(factor(number) * scores[documents])
        total += loss
        slope[documents] += factor(number) * derivative
    return total, slope


def assert_is(strategy, factor):
    """A strategy's loss and gradient by the scores of its one forward are those of the sum."""
    sizes = strategy.levels
    blocks, score = given(LENGTHS, sizes)
    loss = strategy.step(blocks, score).loss
    slopes = torch.autograd.grad(loss.sum(), score.tables)[0]
    assert not slopes[1:].any()  # of later forwards there is none
    for row, length in enumerate(LENGTHS):
        scores, keys = (it[row, :length].detach().numpy() for it in (score.tables[0], blocks.keys))
        expected, slope = summed(scores, keys, sizes, strategy.selection, factor)
        assert loss[row].item() == pytest.approx(expected, rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(slopes[0, row, :length], slope, rtol=1e-9, atol=1e-12)


def every(sizes):
    return list(range(1, len(sizes) + 1))


# --- one forward ----------------------------------------------------------------------------------------


@SIZES
@SELECTION
def test_v3_with_a_loss_on_every_level_is_the_sum_of_equation_1(sizes, selection):
    options = {"levels": sizes, "selection": selection, "forward": "shared"}
    assert_is(V3(**options, loss_levels=every(sizes)), factor=lambda level: 1)


@SIZES
@SELECTION
def test_the_geometric_form_is_v3_with_a_loss_on_every_level(sizes, selection):
    options = {"levels": sizes, "selection": selection, "forward": "shared"}
    assert_is(V4(**options, cpr="geometric"), factor=lambda level: 1)
    blocks, score = given(LENGTHS, sizes)
    linked = V4(**options, cpr="geometric").step(blocks, score).loss
    plain = V3(**options, loss_levels=every(sizes)).step(blocks, score).loss
    torch.testing.assert_close(linked, plain, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(loss.sum(), score.tables)[0] for loss in (linked, plain)]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


@SIZES
@SELECTION
def test_the_product_is_the_sum_of_equation_1_at_temperature_1_over_i(sizes, selection):
    """Eq. 1 at temperature t is Eq. 1 of scores / t; at t = 1/i, of i times the scores."""
    options = {"levels": sizes, "selection": selection, "forward": "shared"}
    assert_is(V4(**options, cpr="product"), factor=lambda level: level)


@pytest.mark.parametrize("form", ["literal", "literal-from-2"])
def test_the_printed_form_is_no_such_sum(form):
    strategy = V4(levels=[8, 5, 3], cpr=form, forward="shared")
    for factor in (lambda level: 1, lambda level: level):
        with pytest.raises(AssertionError):
            assert_is(strategy, factor)


@pytest.mark.parametrize("form", FORMS)
def test_which_documents_an_earlier_softmax_is_over_matters_to_the_printed_form_alone(form):
    """Level 1's softmax is over all its documents, or over those of level 2 alone: the normalisations differ
    by a constant of the block, which any later softmax cancels unless it is taken of the product itself."""
    scores = torch.randn(2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    kept = scores[:, :3]
    mask = torch.ones_like(kept, dtype=torch.bool)
    own = kept.log_softmax(dim=1)
    over_all, over_own = (
        cpr_logits([first, own], mask, form).softmax(dim=1)
        for first in (scores.log_softmax(dim=1)[:, :3], own)
    )
    if form in ("product", "geometric"):
        torch.testing.assert_close(over_all, over_own, rtol=1e-12, atol=1e-12)
    else:
        assert (over_all - over_own).abs().max() > 1e-3


# --- a forward per level --------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "share"), [("product", 1), ("geometric", 1 / 3)])
def test_with_a_forward_per_level_the_scores_of_all_forwards_are_added_or_averaged(form, share):
    blocks, score = given([8], [8, 5, 3])
    strategy = V4(levels=[8, 5, 3], loss_levels=[3], cpr=form)
    outcome = strategy.step(blocks, score)
    kept = outcome.levels[2].positions[0].numpy()
    tables = score.tables.detach().numpy()[:, 0, kept]
    loss, derivative = eq1(share * tables.sum(axis=0))
    assert outcome.loss.item() == pytest.approx(loss, rel=1e-12)
    slopes = torch.autograd.grad(outcome.loss.sum(), score.tables)[0][:, 0, kept]
    for level in range(3):  # the feedback: the same derivative by the scores of every forward
        np.testing.assert_allclose(slopes[level], share * derivative, rtol=1e-9, atol=1e-12)


def test_dropout_between_forwards_is_what_tells_the_geometric_form_from_v3():
    """Without dropout, loss and gradients of the model are those of V3; with it, neither."""
    sizes, blocks = [8, 5, 3], make_blocks([8, 5])
    linked, plain = V4(levels=sizes, cpr="geometric"), V3(levels=sizes, loss_levels=[1, 2, 3])
    for dropout in (0.0, 0.5):
        model = SmallModel(blocks, dropout)
        losses = []
        for strategy in (linked, plain):
            torch.manual_seed(1)
            losses.append(strategy.step(blocks, model).loss)
        gradients = [model.gradients(loss) for loss in losses]
        if dropout:
            assert (losses[0] - losses[1]).abs().min() > 1e-3
            assert any((gradients[0][name] - gradients[1][name]).abs().max() > 1e-3 for name in gradients[0])
        else:
            torch.testing.assert_close(*losses, rtol=1e-12, atol=1e-12)
            torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


# --- at initialisation ----------------------------------------------------------------------------------


def norms_at_equal_scores(form):
    """Norm of the gradient by the scores of the one forward, of the loss of each level of 88, 48 and 16."""
    sizes = [88, 48, 16]
    for level in every(sizes):
        tables = torch.zeros(3, 1, 88, dtype=torch.float64, requires_grad=True)
        strategy = V4(levels=sizes, loss_levels=[level], cpr=form, forward="shared")
        loss = strategy.step(make_blocks([88]), GivenScores(tables, sizes)).loss
        yield torch.autograd.grad(loss.sum(), tables)[0].norm().item()


@pytest.mark.parametrize(("form", "factor"), [("geometric", lambda i: 1), ("product", lambda i: i)])
def test_products_and_geometric_means_start_with_gradients_of_equation_1(form, factor):
    """With equal scores Eq. 1's gradient is (-1, 1/(n-1), ...) of n documents, times i at temperature 1/i."""
    expected = [factor(i) * (1 + 1 / (n - 1)) ** 0.5 for i, n in enumerate([88, 48, 16], start=1)]
    assert list(norms_at_equal_scores(form)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_the_page_says_how_large_gradients_are_at_the_start(form):
    (line,) = re.findall(rf"^\| `{form}`[^|]*\|[^|]*\| ([\d.e-]+), ([\d.e-]+), ([\d.e-]+) \|$", PAGE, re.M)
    for said, norm in zip(line, norms_at_equal_scores(form), strict=True):
        assert float(said) == pytest.approx(norm, rel=0.05)
