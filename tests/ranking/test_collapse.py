import numpy as np
import pytest

from sirbench.ranking.collapse import is_constant


def constant(*queries, precision="fp32"):
    """Of the scores of each query."""
    rows = np.repeat(np.arange(len(queries)), [len(scores) for scores in queries])
    return is_constant(rows, np.concatenate([np.float32(scores) for scores in queries]), precision)


@pytest.mark.parametrize(
    ("expected", "scores"),
    [
        (True, (3.0, 3.0, 3.0)),
        (True, (1000.0, 1000.0001, 1000.0)),  # the last digit of a float32
        (False, (3.0, 3.0001, 3.0)),
        (False, (0.0, 3e-6, 0.0)),  # one layer, 16 wide, as drawn
        (False, (3.0,)),  # nothing to tell apart
    ],
)
def test_what_counts_as_constant(expected, scores):
    assert constant(scores) == expected


@pytest.mark.parametrize(
    ("expected", "lowest", "spread"),
    [
        (True, 4.2, 6e-4),  # MiniLM after 15 steps at a learning rate of 5e-3; 0 in fp32
        (False, 0.05, 0.022),  # with a head as drawn
        (False, 0.16, 0.075),  # after 20 steps at 5e-5
        (False, 0.26, 1.3e-3),  # random weights of two layers after 5 steps at 1e-3
    ],
)
def test_in_bf16_rounding_is_as_large_as_was_measured(expected, lowest, spread):
    scores = (lowest, lowest + spread, lowest)
    assert constant(scores, precision="bf16") == expected
    assert not constant(scores)


def test_one_query_with_a_difference_is_enough():
    assert constant((1.0, 1.0), (2.0, 2.0))
    assert not constant((1.0, 1.0), (1.0, 2.0))
    assert constant((1.0, 1.0), (2.0,))
