import os
import signal

import pytest

from sirbench.training.signals import stop_signals


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop_and_ends_nothing(asked):
    with stop_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), asked)
        assert stop.is_set()


def test_a_second_sigterm_ends_nothing():
    """torchrun passes on what the cluster has sent to its workers too: there is a checkpoint to write."""
    with stop_signals() as stop:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_set()


@pytest.fixture
def ctrl_c_ends():
    """SIGINT ends this process, as it does where a user starts one; parallel workers of pytest ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_ends_it_at_once(ctrl_c_ends):
    with stop_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_signals_are_what_they_were():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with stop_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
