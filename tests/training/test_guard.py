import pytest

from sirbench.machine.errors import TrainingError
from sirbench.training.checkpoint import Progress
from sirbench.training.guard import Diverged, Guard

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("loss", "norm"), [(NAN, 1.0), (INF, 1.0), (1.0, NAN), (1.0, INF), (NAN, NAN)], ids=str
)
def test_a_loss_or_gradient_that_is_no_number_is_named_with_its_step(loss, norm):
    expected = f"at step 7 the loss is {loss} and the norm of its gradient {norm}"
    assert Guard().numbers(7, loss, norm) == expected
    assert Guard().numbers(7, 1.0, 2.0) == ""


def test_two_checkpoints_in_a_row_are_a_collapse():
    guard = Guard()
    for step, scores in ((199, "constant"), (399, "differ"), (599, "constant")):
        assert guard.scores(step, scores, last=False) == ""
    assert guard.scores(799, "constant", last=False).startswith(
        "after step 799 every document of a query has"
    )


def test_a_guard_that_takes_over_counts_what_another_has_seen():
    first = Guard()
    assert first.scores(199, "constant", last=False) == ""
    assert Guard(first.collapsed).scores(399, "constant", last=False)


def test_the_last_step_is_no_time_to_wait():
    assert Guard().scores(99, "differ", last=True) == ""
    assert Guard().scores(99, "constant", last=True).startswith("after step 99 every document")


def test_scores_that_are_no_numbers_are_nothing_to_wait_for():
    said = "after step 99 the model's scores are not finite numbers"
    assert Guard().scores(99, "not finite", last=False) == said


def test_the_error_names_job_and_remedy_and_no_other_seed():
    error = Diverged("bm25/bert/v0/seed1", Progress(8, 2.0, diverged="at step 7 the loss is nan"))
    assert isinstance(error, TrainingError) and error.exit_code == 3
    assert str(error).startswith("bm25/bert/v0/seed1: at step 7 the loss is nan; lower learning_rate")
    assert "seed" not in str(error).removeprefix("bm25/bert/v0/seed1")
