"""All levels in one step: which documents each sees, which forwards run, and where the gradient goes."""

import pytest
import torch
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from sirbench.strategies.levels.all_levels import AllLevels
from sirbench.strategies.levels.blocks import Blocks, Level, Outcome
from sirbench.strategies.levels.cpr import FORMS
from sirbench.strategies.levels.one_level import OneLevel
from sirbench.strategies.levels.running import gather_earlier, pass_on, run_levels
from sirbench.strategies.v3 import V3
from sirbench.strategies.v4 import V4
from tests.strategies.scorers import GivenScores, SmallModel, given, make_blocks

STEPS = {"one level": OneLevel, "v3": V3, "v4": V4}
ALL_LEVELS = pytest.mark.parametrize("kind", [V3, V4], ids=["v3", "v4"])
SELECTION = pytest.mark.parametrize("selection", ["top", "random"])


class LossOnEveryLevel(AllLevels):
    """Runs levels; its loss is no matter here."""

    def with_loss(self):
        return range(1, len(self.levels) + 1)

    def step(self, blocks, score):
        return Outcome(torch.zeros(len(blocks.mask)), run_levels(blocks, score, self))


class WithoutLoss(LossOnEveryLevel):
    def with_loss(self):
        return []


def strategy(step, levels, selection):
    """A strategy of `STEPS`; the one that has one level is given the first and the last."""
    if step == "one level":
        return OneLevel(levels=[levels[0], levels[-1]])
    return STEPS[step](levels=levels, selection=selection)


# --- which documents ------------------------------------------------------------------------------------


def test_three_levels_of_a_block_by_hand():
    sizes = [6, 4, 2]
    tables = torch.tensor(
        [
            [[0.0, 5.0, 1.0, 4.0, 2.0, 3.0]],  # level 1: keeps 0 and, falling, 1, 3, 5
            [[0.0, 1.0, 9.0, 2.0, 9.0, 8.0]],  # level 2 finds 5 the hardest of these
            [[7.0, 0.0, 0.0, 0.0, 0.0, 6.0]],
        ]
    )
    levels = LossOnEveryLevel(levels=sizes).step(make_blocks([6]), GivenScores(tables, sizes)).levels
    assert [level.positions.tolist() for level in levels] == [[[0, 1, 2, 3, 4, 5]], [[0, 1, 3, 5]], [[0, 5]]]
    assert levels[1].scores.tolist() == [[0.0, 1.0, 2.0, 8.0]]
    assert levels[2].scores.tolist() == [[7.0, 6.0]]


def test_random_levels_follow_the_keys_and_are_nested():
    sizes = [6, 4, 2]
    _, score = given([6], sizes)
    keys = torch.tensor([[0.0, 0.5, 0.9, 0.1, 0.7, 0.6]])
    blocks = Blocks(torch.ones(1, 6, dtype=torch.bool), keys)
    levels = LossOnEveryLevel(levels=sizes, selection="random").step(blocks, score).levels
    assert [level.positions.tolist() for level in levels[1:]] == [[[0, 2, 4, 5]], [[0, 2]]]


@SELECTION
def test_short_blocks_keep_what_they_have(selection):
    sizes = [7, 4, 2]
    blocks, score = given([7, 3, 1], sizes)
    levels = LossOnEveryLevel(levels=sizes, selection=selection).step(blocks, score).levels
    assert [level.mask.sum(dim=1).tolist() for level in levels] == [[7, 3, 1], [4, 3, 1], [2, 2, 1]]
    for level in levels:
        assert (level.positions[:, 0] == 0).all() and level.mask[:, 0].all()
        assert level.mask.equal(blocks.mask.gather(1, level.positions))


def test_passing_on_names_documents_by_their_position_in_the_block():
    level = Level(torch.tensor([[0, 7, 2, 5]]), torch.ones(1, 4, dtype=torch.bool), torch.arange(4.0)[None])
    assert pass_on(level, torch.rand(1, 9), "top", 3)[0].tolist() == [[0, 5, 2]]
    keys = torch.tensor([[0.0, 0.99, 0.2, 0.99, 0.99, 0.1, 0.99, 0.3, 0.99]])
    assert pass_on(level, keys, "random", 3)[0].tolist() == [[0, 7, 2]]


def shuffled(blocks, tables, order):
    """The same documents in another order: `order` maps new positions to old ones."""
    return Blocks(blocks.mask[:, order], blocks.keys[:, order]), tables[:, :, order]


@pytest.mark.parametrize("step", STEPS)
@SELECTION
@settings(deadline=None, max_examples=8)
@for_all(st.permutations(range(1, 8)), st.integers(0, 1000))
def test_the_order_of_the_documents_changes_neither_loss_nor_kept_documents(step, selection, negatives, seed):
    sizes = [8, 5, 3]
    tried = strategy(step, sizes, selection)
    blocks, score = given([8, 6, 2], sizes, seed)
    order = torch.tensor([0, *negatives])
    moved_blocks, moved_tables = shuffled(blocks, score.tables, order)
    before = tried.step(blocks, score)
    after = tried.step(moved_blocks, GivenScores(moved_tables, sizes))
    torch.testing.assert_close(after.loss, before.loss)
    for level, moved in zip(before.levels, after.levels, strict=True):
        for row in range(3):
            names = order[moved.positions[row][moved.mask[row]]]
            assert set(names.tolist()) == set(level.positions[row][level.mask[row]].tolist())


@pytest.mark.parametrize("step", STEPS)
@SELECTION
def test_a_block_padded_by_its_batch_equals_the_block_alone(step, selection):
    """Blocks that are shorter than a later level are in test_v3 and test_v4, against loops."""
    sizes = [8, 5, 3]
    lengths = [8, 7, 6]
    tried = strategy(step, sizes, selection)
    blocks, score = given(lengths, sizes)
    together = tried.step(blocks, score).loss
    slopes = torch.autograd.grad(together.sum(), score.tables)[0]
    assert (slopes.masked_select(~blocks.mask) == 0).all()
    for row, length in enumerate(lengths):
        block = Blocks(blocks.mask[[row], :length], blocks.keys[[row], :length])
        tables = score.tables.detach()[:, [row], :length].requires_grad_()
        alone = tried.step(block, GivenScores(tables, [length, 5, 3])).loss
        torch.testing.assert_close(alone[0], together[row])
        slope = torch.autograd.grad(alone.sum(), tables)[0][:, 0]
        torch.testing.assert_close(slope, slopes[:, row, :length])


# --- alignment ------------------------------------------------------------------------------------------


def test_earlier_levels_are_aligned_by_document_not_by_column():
    """Level 2 holds the documents 0, 4, 1: columns 0 to 2 of level 1 would be the documents 0, 1, 2."""
    mask = torch.ones(1, 5, dtype=torch.bool)
    first = Level(torch.tensor([[0, 1, 2, 3, 4]]), mask, torch.empty(1, 5))
    second = Level(torch.tensor([[0, 4, 1]]), mask[:, :3], torch.empty(1, 3))
    third = Level(torch.tensor([[0, 1]]), mask[:, :2], torch.empty(1, 2))
    values = [
        torch.tensor([[10.0, 11, 12, 13, 14]]),
        torch.tensor([[20.0, 24, 21]]),
        torch.tensor([[30.0, 31]]),
    ]
    assert [value.tolist() for value in gather_earlier(values[:2], [first, second])] == [
        [[10.0, 14.0, 11.0]],
        [[20.0, 24.0, 21.0]],
    ]
    aligned = gather_earlier(values, [first, second, third])
    assert [value.tolist() for value in aligned] == [[[10.0, 11.0]], [[20.0, 21.0]], [[30.0, 31.0]]]


# --- forwards -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"), [(V3, {}), *((V4, {"cpr": form}) for form in FORMS)], ids=["v3", *FORMS]
)
@SELECTION
@pytest.mark.parametrize("sizes", [[9, 4], [9, 6, 3], [9, 7, 4, 2]])
def test_without_dropout_shared_equals_fresh_in_loss_and_every_gradient(kind, options, selection, sizes):
    blocks = make_blocks([9, 5, 2])
    model = SmallModel(blocks)
    given = {"levels": sizes, "selection": selection, **options}
    fresh = kind(**given, forward="fresh").step(blocks, model)
    gradients = model.gradients(fresh.loss)
    model.forwards = 0
    shared = kind(**given, forward="shared").step(blocks, model)
    assert model.forwards == 1
    torch.testing.assert_close(shared.loss, fresh.loss, rtol=1e-12, atol=1e-12)
    for name, gradient in model.gradients(shared.loss).items():
        assert gradient.abs().max() > 1e-6
        torch.testing.assert_close(gradient, gradients[name], rtol=1e-9, atol=1e-12, msg=name)


@ALL_LEVELS
def test_with_dropout_every_fresh_level_is_a_forward_of_its_own(kind):
    blocks = make_blocks([9, 5, 2])
    model = SmallModel(blocks, dropout=0.5)
    levels = kind(levels=[9, 6, 3], forward="fresh").step(blocks, model).levels
    assert model.forwards == 3
    assert not levels[1].scores.equal(levels[0].scores.gather(1, levels[1].positions))
    levels = kind(levels=[9, 6, 3], forward="shared").step(blocks, model).levels
    assert model.forwards == 4
    for level in levels:
        assert level.scores.equal(levels[0].scores.gather(1, level.positions))


def test_a_step_without_any_loss_computes_no_gradient():
    blocks = make_blocks([9, 5])
    for forward in ("fresh", "shared"):
        levels = WithoutLoss(levels=[9, 4], forward=forward).step(blocks, SmallModel(blocks)).levels
        assert not any(level.scores.requires_grad for level in levels)


@ALL_LEVELS
@pytest.mark.parametrize("forward", ["fresh", "shared"])
def test_the_gradient_passes_through_scores_and_never_through_the_selection(kind, forward):
    """Autograd equals numerical differentiation, which sees the selection fixed for small steps."""
    sizes = [6, 4, 2]
    blocks, score = given([6, 3], sizes, seed=4)

    def total(tables):
        return kind(levels=sizes, forward=forward).step(blocks, GivenScores(tables, sizes)).loss.sum()

    assert torch.autograd.gradcheck(total, score.tables, fast_mode=True)


# --- the border -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_blocks_of_the_wrong_form_are_refused(step):
    good, score = given([4, 3], [4, 2])
    without_positive = good.mask.clone()
    without_positive[1, 0] = False
    wrong = [
        Blocks(good.mask.float(), good.keys),
        Blocks(good.mask[0], good.keys[0]),
        Blocks(good.mask, good.keys[:, :3]),
        Blocks(without_positive, good.keys),
    ]
    for blocks in wrong:
        with pytest.raises(AssertionError):
            STEPS[step](levels=[4, 2]).step(blocks, score)


@ALL_LEVELS
def test_a_block_wider_than_the_first_level_is_refused(kind):
    blocks, score = given([5], [5, 2])
    with pytest.raises(AssertionError):
        kind(levels=[4, 2]).step(blocks, score)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_returns_a_loss_per_block_and_levels_of_the_promised_types(step):
    blocks, score = given([8, 3, 1], [8, 5, 3], dtype=torch.float32)
    outcome = STEPS[step](levels=[8, 5, 3]).step(blocks, score)
    assert outcome.loss.shape == (3,) and outcome.loss.dtype == torch.float32
    assert outcome.loss[2] == 0  # a positive without negatives
    for level in outcome.levels:
        assert level.positions.shape == level.mask.shape == level.scores.shape
        assert (level.positions.dtype, level.mask.dtype) == (torch.int64, torch.bool)
        assert level.scores.dtype == torch.float32
