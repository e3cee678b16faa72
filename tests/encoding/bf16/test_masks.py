import numpy as np
import pytest
import torch

from sirbench.encoding.bf16.masks import Masks, zeroed

SHAPE = (300, 1000)
SIZE = 300_000


def kept(mask):
    """The mask as booleans, by what it does to ones."""
    values = zeroed(torch.ones(mask.bits.shape, dtype=torch.bfloat16), mask)
    assert set(values.unique().tolist()) <= {0.0, 1.0}
    return values.float().numpy() == 1


def bound(probability):
    """Five standard deviations of a share of `SIZE` draws: passed once in two million."""
    return 5 * np.sqrt(probability * (1 - probability) / SIZE)


@pytest.mark.parametrize("probability", [0.001, 0.1, 0.5, 0.9])
def test_as_many_are_dropped_as_asked_for_in_rows_and_columns_alike(probability):
    dropped = ~kept(Masks(1).draw(SHAPE, probability))
    assert abs(dropped.mean() - probability) < bound(probability)
    for axis in (0, 1):
        shares = dropped.mean(axis=axis)
        expected = np.sqrt(probability * (1 - probability) / dropped.shape[axis])
        assert 0.8 * expected < shares.std() < 1.2 * expected


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 1000])
def test_neighbours_are_dropped_independently(lag):
    dropped = ~kept(Masks(1).draw(SHAPE, 0.5)).ravel()
    assert abs((dropped[lag:] == dropped[:-lag]).mean() - 0.5) < bound(0.5)


def test_the_mean_stays_to_the_last_part_of_the_probability():
    """0.1 is 6,554 of 65,536 parts, so that 58,982 are kept."""
    scales = {probability: Masks(1).draw(SHAPE, probability).scale for probability in (0.1, 0.5, 0.75)}
    assert scales == {0.1: 65536 / 58982, 0.5: 2, 0.75: 4}


def test_the_least_and_the_most_that_can_be_dropped():
    every = torch.arange(-(2**15), 2**15).to(torch.int16)
    for probability, left in ((2**-16, 2**16 - 1), (0.5, 2**15), (1 - 2**-20, 1)):
        mask = Masks(1).draw((2**16,), probability)._replace(bits=every)
        assert kept(mask).sum() == left and mask.scale == 2**16 / left


def test_what_is_kept_stays_as_it_is():
    values = torch.tensor([1.5, -2.0, torch.inf, -0.0, 3e-40] * 40, dtype=torch.bfloat16)
    mask = Masks(1).draw(values.shape, 0.5)
    expected = torch.where(mask.bits > mask.threshold, values, 0)
    assert torch.equal(zeroed(values, mask).view(torch.int16), expected.view(torch.int16))
    assert zeroed(values, None) is values


def test_the_same_key_gives_the_same_masks_whatever_torch_has_drawn():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = Masks(7, 3, 0, 2)
    some = [first.draw(SHAPE, 0.1) for _ in range(3)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = Masks(7, 3, 0, 2)
    assert all(torch.equal(mask.bits, again.draw(SHAPE, 0.1).bits) for mask in some)


def test_masks_of_another_seed_step_worker_chunk_or_call_are_independent():
    masks = [kept(Masks(*key).draw(SHAPE, 0.5)) for key in [(1, 2, 0, 3), (2, 2, 0, 3), (1, 3, 0, 3)]]
    masks += [kept(Masks(*key).draw(SHAPE, 0.5)) for key in [(1, 2, 1, 3), (1, 2, 0, 4), (12, 0, 3)]]
    calls = Masks(1, 2, 0, 3)
    masks += [kept([calls.draw(SHAPE, 0.5), calls.draw(SHAPE, 0.5)][1])]
    for number, one in enumerate(masks):
        for other in masks[:number]:
            assert abs((one == other).mean() - 0.5) < bound(0.5)


@pytest.mark.parametrize("shape", [(1,), (3,), (5, 7), (2, 3, 4, 5)])
def test_a_mask_has_the_shape_asked_for(shape):
    assert Masks(1).draw(shape, 0.1).bits.shape == shape


def test_nothing_is_drawn_where_nothing_is_dropped():
    one, other = Masks(1), Masks(1)
    assert one.draw(SHAPE, 0.0) is None
    assert torch.equal(one.draw(SHAPE, 0.1).bits, other.draw(SHAPE, 0.1).bits)
