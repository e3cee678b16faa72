from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirbench.training.schedule import Schedule

numbers = st.integers(1, 40)


@given(numbers, st.integers(1, 8), st.integers(1, 3), st.integers(0, 3))
def test_every_query_once_per_epoch(queries, per_step, epochs, seed):
    schedule = Schedule(queries, per_step, epochs, seed)
    seen = {epoch: Counter() for epoch in range(epochs)}
    sizes = []
    for step in range(schedule.steps):
        epoch, chosen = schedule.at(step)
        seen[epoch].update(chosen.tolist())
        sizes.append(len(chosen))
    assert all(counts == Counter(range(queries)) for counts in seen.values())
    last = queries % per_step or per_step
    assert sizes == ([per_step] * (schedule.steps_per_epoch - 1) + [last]) * epochs


def test_a_step_needs_no_memory_of_the_steps_before():
    schedule = Schedule(queries=20, per_step=4, epochs=4, seed=1)
    forwards = [schedule.at(step)[1].tolist() for step in range(schedule.steps)]
    backwards = [Schedule(20, 4, 4, 1).at(step)[1].tolist() for step in reversed(range(schedule.steps))]
    assert forwards == backwards[::-1]


@pytest.mark.parametrize("other", [(1, 1), (2, 0)])
def test_epochs_and_seeds_have_orders_of_their_own(other):
    def order(seed, epoch):
        schedule = Schedule(50, 10, 2, seed)
        return np.concatenate([schedule.at(epoch * 5 + step)[1] for step in range(5)]).tolist()

    assert order(1, 0) == order(1, 0) != order(*other)
