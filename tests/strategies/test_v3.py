"""V3: the loss of Eq. 1 on the first and the last level (Eq. 5), every level chosen anew by the model."""

import numpy as np
import pytest
import torch

from sirbench.strategies.losses import LOSSES
from sirbench.strategies.v3 import V3
from tests.strategies.equations import gradient, v3
from tests.strategies.scorers import given, make_blocks

eq1 = LOSSES.make("softmax-binary")
LENGTHS = [8, 5, 2, 1]


@pytest.mark.parametrize("selection", ["top", "random"])
@pytest.mark.parametrize("sizes", [[8, 3], [8, 5, 3], [8, 6, 4, 2]])
def test_equation_5_by_loops(sizes, selection):
    blocks, score = given(LENGTHS, sizes)
    loss = V3(levels=sizes, selection=selection).step(blocks, score).loss
    slopes = torch.autograd.grad(loss.sum(), score.tables)[0]
    for row, length in enumerate(LENGTHS):
        keys = blocks.keys[row, :length].tolist()
        tables = score.tables[:, row, :length].tolist()

        def equation_5(tables, keys=keys):
            return v3(tables, keys, sizes, selection)

        assert loss[row].item() == pytest.approx(float(equation_5(tables)), rel=1e-12)
        expected = gradient(equation_5, tables)
        np.testing.assert_allclose(slopes[:, row, :length], expected, rtol=1e-9, atol=1e-13)


def test_the_middle_level_selects_but_carries_no_gradient():
    blocks, score = given(LENGTHS, [8, 5, 3])
    outcome = V3(levels=[8, 5, 3]).step(blocks, score)
    assert score.calls == [(1, True), (2, False), (3, True)]
    slopes = torch.autograd.grad(outcome.loss.sum(), score.tables)[0]
    assert slopes[0].any() and not slopes[1].any() and slopes[2].any()


def test_a_middle_level_between_random_compressors_is_not_forwarded():
    blocks, score = given(LENGTHS, [8, 5, 3])
    outcome = V3(levels=[8, 5, 3], selection="random").step(blocks, score)
    assert score.calls == [(1, True), (3, True)]
    assert outcome.levels[1].scores.isnan().all() and outcome.loss.isfinite().all()


def test_loss_levels_say_which_losses_are_summed():
    blocks, score = given(LENGTHS, [8, 5, 3])
    outcome = V3(levels=[8, 5, 3], loss_levels=[2, 3]).step(blocks, score)
    assert score.calls == [(1, False), (2, True), (3, True)]
    expected = sum(eq1(level.scores, level.mask) for level in outcome.levels[1:])
    torch.testing.assert_close(outcome.loss, expected)


@pytest.mark.parametrize("name", ["cross-entropy", "hinge"])
def test_other_losses_take_equation_1s_place(name):
    blocks, score = given(LENGTHS, [8, 3])
    outcome = V3(levels=[8, 3], loss=name).step(blocks, score)
    expected = sum(LOSSES.make(name)(level.scores, level.mask) for level in outcome.levels)
    torch.testing.assert_close(outcome.loss, expected)


def test_the_levels_follow_the_model():
    """Raising the score of a document that level 1 had dropped brings it to the last level."""
    blocks, score = given([8], [8, 3])
    first = V3(levels=[8, 3]).step(blocks, score)
    dropped = (set(range(8)) - set(first.levels[1].positions[0].tolist())).pop()
    with torch.no_grad():
        score.tables[0, 0, dropped] = 100
    assert V3(levels=[8, 3]).step(blocks, score).levels[1].positions[0, 1] == dropped


def test_with_shared_scores_the_middle_level_changes_nothing():
    """The trap: Top-16(Top-48(88)) = Top-16(88)."""
    blocks, score = given([88, 60, 30], [88, 48, 16])
    three = V3(levels=[88, 48, 16], forward="shared").step(blocks, score)
    two = V3(levels=[88, 16], forward="shared").step(blocks, score)
    assert three.levels[2].positions[three.levels[2].mask].equal(two.levels[1].positions[two.levels[1].mask])
    assert three.loss.equal(two.loss)


def test_with_fresh_scores_the_middle_level_matters():
    blocks, score = given([88], [88, 48, 16])
    three = V3(levels=[88, 48, 16]).step(blocks, score)
    two = V3(levels=[88, 16]).step(blocks, score)
    assert set(three.levels[2].positions[0].tolist()) != set(two.levels[1].positions[0].tolist())


def test_a_single_level_is_equation_1_once():
    blocks, score = given([4, 3], [4])
    outcome = V3(levels=[4]).step(blocks, score)
    torch.testing.assert_close(outcome.loss, eq1(score.tables[0], make_blocks([4, 3]).mask))
