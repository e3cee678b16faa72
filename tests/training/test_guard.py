import pytest
import torch

from sirbench.errors import TrainingError
from sirbench.strategies import Level
from sirbench.training.guard import Guard, is_constant

NAN, INF = float("nan"), float("inf")


def level(*scores, real=None):
    """A level of one block."""
    mask = torch.tensor([real or [True] * len(scores)])
    return Level(torch.arange(len(scores))[None], mask, torch.tensor([scores]))


@pytest.mark.parametrize(
    ("loss", "norm"), [(NAN, 1.0), (INF, 1.0), (1.0, NAN), (1.0, INF), (NAN, NAN)], ids=str
)
def test_a_loss_or_gradient_that_is_no_number_names_job_and_step(loss, norm):
    with pytest.raises(TrainingError, match=r"bm25/bert/v0/seed1: step 7: .*lower training\.learning_rate"):
        Guard("bm25/bert/v0/seed1").check(7, loss, norm, level(0.1, 0.2))


def test_ten_constant_steps_in_a_row_are_a_collapse():
    guard = Guard("cell")
    for step in range(9):
        guard.check(step, 1.0, 1.0, level(0.5, 0.5, 0.5))
    guard.check(9, 1.0, 1.0, level(0.5, 0.5, 0.6))
    for step in range(10, 19):
        guard.check(step, 1.0, 1.0, level(0.5, 0.5, 0.5))
    with pytest.raises(TrainingError, match="cell: step 19: for 10 steps"):
        guard.check(19, 1.0, 1.0, level(0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("constant", "made"),
    [
        (True, level(3.0, 3.0, 3.0)),
        (True, level(1000.0, 1000.0001, 1000.0)),  # the last digit of a float32
        (False, level(3.0, 3.0001, 3.0)),
        (True, level(3.0, 3.0, 9.0, real=[True, True, False])),
        (False, level(3.0, 9.0, 3.0, real=[True, True, False])),
        (False, level(3.0)),  # nothing to tell apart
        (False, level(3.0, 3.0, real=[True, False])),
    ],
)
def test_what_counts_as_constant(constant, made):
    assert is_constant(made.scores, made.mask) == constant


def test_one_block_with_a_difference_is_enough():
    scores = torch.tensor([[1.0, 1.0], [1.0, 2.0]])
    assert not is_constant(scores, torch.ones(2, 2, dtype=torch.bool))
    assert not is_constant(torch.zeros(0, 2), torch.zeros(0, 2, dtype=torch.bool))
