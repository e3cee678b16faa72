"""One level alone: V0's random negatives, localized contrastive estimation, and the levels of V1 and V2."""

import pytest
import torch
from torch.nn import functional

from sirbench.strategies import Pairs
from sirbench.strategies.levels.blocks import Blocks
from sirbench.strategies.levels.one_level import OneLevel
from sirbench.strategies.v1 import V1
from sirbench.strategies.v2 import V2
from tests.strategies.equations import kept, loss, probabilities
from tests.strategies.scorers import SmallModel, given, make_blocks


def documents(level, row):
    return level.positions[row][level.mask[row]].tolist()


def test_v0_is_twice_the_pairwise_logistic_loss_of_one_random_negative():
    blocks, score = given([2, 2, 2], [2])
    positive, negative = score.tables[0].unbind(dim=1)
    outcome = OneLevel(levels=[2]).step(blocks, score)
    torch.testing.assert_close(outcome.loss, 2 * functional.softplus(negative - positive))


def test_v0_from_wider_blocks_takes_the_negative_with_the_highest_key():
    blocks, score = given([7, 4, 1], [7, 2])
    outcome = OneLevel(levels=[2]).step(blocks, score)
    expected = [[0, 1 + int(blocks.keys[row, 1:length].argmax())] for row, length in enumerate([7, 4])]
    assert [documents(outcome.levels[0], row) for row in range(3)] == [*expected, [0]]
    assert outcome.loss[2] == 0


@pytest.mark.parametrize("name", ["cross-entropy", "softmax-binary"])
def test_a_random_level_of_v1_is_lce_on_16_of_88_documents_plus_equation_1s_other_terms(name):
    blocks, score = given([88] * 3, [88, 16])
    outcome = OneLevel(levels=[88, 16], loss=name).step(blocks, score)
    for row in range(3):
        group = kept(dict(enumerate(blocks.keys[row].tolist())), 16)
        assert set(documents(outcome.levels[0], row)) == set(group)
        scores = score.tables[1, row, group]
        expected = functional.cross_entropy(scores[None], torch.tensor([0]))
        if name == "softmax-binary":
            expected = expected - torch.log(1 - torch.softmax(scores, dim=0)[1:]).sum()
        torch.testing.assert_close(outcome.loss[row], expected)


def test_new_keys_draw_other_documents():
    blocks, score = given([88], [88, 16])
    again = Blocks(blocks.mask, make_blocks([88], seed=1).keys)
    first, second = (OneLevel(levels=[88, 16]).step(each, score).levels[0] for each in (blocks, again))
    assert documents(first, 0) != documents(second, 0)


def test_a_block_that_an_earlier_level_selected_is_taken_whole_and_in_order():
    blocks, score = given([6, 4], [6])
    outcome = OneLevel(levels=[6]).step(blocks, score)
    assert [documents(outcome.levels[0], row) for row in range(2)] == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3]]
    for row, length in enumerate([6, 4]):
        group = dict(enumerate(score.tables[0, row, :length].tolist()))
        assert outcome.loss[row].item() == pytest.approx(float(loss(probabilities(group))), rel=1e-12)


@pytest.mark.parametrize("blocks", ["fixed", "redrawn"])
@pytest.mark.parametrize("chain", [V1, V2])
def test_a_level_of_a_chain_has_the_blocks_of_the_chain(chain, blocks):
    assert chain(levels=[9, 6, 3]).blocks == "fixed"
    level = chain(levels=[9, 6, 3], blocks=blocks).at_level([9, 6])
    assert (level.blocks, level.levels, level.pairs()) == (blocks, [9, 6], Pairs(6))


def test_one_forward_with_gradient():
    blocks, score = given([9, 4], [9, 3])
    OneLevel(levels=[3]).step(blocks, score)
    assert score.calls == [(2, True)]
    model = SmallModel(blocks)
    gradients = model.gradients(OneLevel(levels=[3]).step(blocks, model).loss)
    assert all(gradient.abs().max() > 0 for gradient in gradients.values())
