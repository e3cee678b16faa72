import pytest

from sirbench.machine.errors import TrainingError
from sirbench.training.guard import Guard

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("loss", "norm"), [(NAN, 1.0), (INF, 1.0), (1.0, NAN), (1.0, INF), (NAN, NAN)], ids=str
)
def test_a_loss_or_gradient_that_is_no_number_names_job_and_step(loss, norm):
    with pytest.raises(TrainingError, match=r"bm25/bert/v0/seed1: step 7: .*lower training\.learning_rate"):
        Guard("bm25/bert/v0/seed1").check(7, loss, norm)


def test_two_checkpoints_in_a_row_are_a_collapse():
    guard = Guard("cell")
    for step, collapsed in ((199, True), (399, False), (599, True)):
        guard.look(step, collapsed, last=False)
    with pytest.raises(TrainingError, match=r"cell: step 799: .*collapsed.*lower training\.learning_rate"):
        guard.look(799, True, last=False)


def test_the_last_step_is_no_time_to_wait():
    Guard("cell").look(99, False, last=True)
    with pytest.raises(TrainingError, match=r"cell: step 99: .*collapsed"):
        Guard("cell").look(99, True, last=True)
