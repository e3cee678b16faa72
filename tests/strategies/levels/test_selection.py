"""What a compressor passes on: the positive always, then the highest values, as many as asked for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from sirbench.strategies.levels.selection import keep_top

finite = st.floats(-1e6, 1e6, width=32)


@st.composite
def blocks(draw, values=finite):
    """(values, mask, size): up to three blocks of up to nine documents, padded at the end."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    width = max(lengths)
    rows = [draw(st.lists(values, min_size=width, max_size=width)) for _ in lengths]
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    return torch.tensor(rows, dtype=torch.float32), mask, draw(st.integers(1, 10))


def kept(values, mask, size):
    """For each block, the positions kept, without padding."""
    positions, kept_mask = keep_top(values, mask, size)
    return [row[real].tolist() for row, real in zip(positions, kept_mask, strict=True)]


def test_an_example_by_hand():
    values = torch.tensor([[-5.0, 0.1, 0.9, 0.5, 0.7], [0.0, 3.0, 2.0, 9.0, 9.0]])
    mask = torch.tensor([[True] * 5, [True, True, True, False, False]])
    positions, kept_mask = keep_top(values, mask, 4)
    assert positions[0].tolist() == [0, 2, 4, 3]
    assert positions[1, :3].tolist() == [0, 1, 2]
    assert kept_mask.tolist() == [[True] * 4, [True, True, True, False]]
    assert positions.dtype == torch.int64 and kept_mask.dtype == torch.bool


@settings(deadline=None, max_examples=60)
@given(blocks(st.one_of(finite, st.sampled_from([float("-inf"), float("inf"), 0.0]))))
def test_the_positive_stays_first_and_the_rest_are_exactly_the_highest_values(block):
    values, mask, size = block
    for row, real, positions in zip(values, mask, kept(values, mask, size), strict=True):
        assert positions[0] == 0
        assert len(set(positions)) == len(positions) == min(size, int(real.sum()))
        assert real[positions].all()
        expected = row[1 : int(real.sum())].sort(descending=True).values[: size - 1]
        assert row[positions[1:]].tolist() == expected.tolist()


@settings(deadline=None, max_examples=40)
@given(blocks(), st.randoms(use_true_random=False))
def test_the_order_of_the_documents_changes_nothing(block, random):
    values, mask, size = block
    values = values + torch.arange(values.shape[1]) * 4e6  # no ties: the kept documents are determined
    negatives = list(range(1, values.shape[1]))
    random.shuffle(negatives)
    order = torch.tensor([0, *negatives])
    moved = kept(values[:, order], mask[:, order], size)
    assert [order[row].tolist() for row in moved] == kept(values, mask, size)


def test_ties_are_broken_by_position():
    assert kept(torch.zeros(1, 40), torch.ones(1, 40, dtype=torch.bool), 20) == [list(range(20))]


def test_a_score_of_minus_infinity_is_still_better_than_padding():
    values = torch.tensor([[0.0, 5.0, float("-inf"), 1.0]])
    mask = torch.tensor([[True, False, True, False]])
    assert kept(values, mask, 2) == [[0, 2]]


@pytest.mark.parametrize("size", [3, 4, 100])
def test_a_block_that_fits_is_kept_whole(size):
    positions, mask = keep_top(torch.tensor([[0.0, 1.0, 2.0]]), torch.ones(1, 3, dtype=torch.bool), size)
    assert positions.tolist() == [[0, 2, 1]] and mask.all()


def test_size_1_keeps_the_positive_alone():
    assert kept(torch.rand(3, 5), torch.ones(3, 5, dtype=torch.bool), 1) == [[0]] * 3


def test_selection_neither_changes_the_values_nor_carries_their_gradient():
    values = torch.rand(2, 5, requires_grad=True)
    before = values.detach().clone()
    positions, _ = keep_top(values, torch.ones(2, 5, dtype=torch.bool), 3)
    assert torch.equal(values.detach(), before) and not positions.requires_grad


def test_values_and_mask_of_different_shapes_are_refused():
    with pytest.raises(AssertionError):
        keep_top(torch.rand(2, 5), torch.ones(2, 4, dtype=torch.bool), 3)


def test_random_keys_keep_every_subset_equally_often():
    """3 of 7 negatives: 35 subsets, 1000 of 35,000 draws each. The seed is fixed: no flakes."""
    keys = torch.rand(35_000, 8, generator=torch.Generator().manual_seed(1))
    positions, _ = keep_top(keys, torch.ones(keys.shape, dtype=torch.bool), 4)
    subsets = (2 ** positions[:, 1:]).sum(dim=1)
    counts = subsets.unique(return_counts=True)[1]
    assert len(counts) == 35
    assert chisquare(counts.numpy()).pvalue > 1e-3


@settings(deadline=None, max_examples=30)
@given(blocks(), st.integers(1, 9))
def test_selections_by_the_same_keys_are_nested(block, smaller):
    keys, mask, size = block
    wide, narrow = kept(keys, mask, size), kept(keys, mask, min(smaller, size))
    assert all(set(few) <= set(many) for few, many in zip(narrow, wide, strict=True))
