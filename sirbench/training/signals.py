"""Being asked to stop: SIGTERM (a cluster's time limit, scancel) and SIGINT (Ctrl-C)."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Within the block, these signals set the event instead of ending the process; a second SIGINT ends it.

    A second SIGTERM does not: `torchrun` passes one on that a cluster has sent to its workers already.
    """
    stop = threading.Event()
    asked = (signal.SIGTERM, signal.SIGINT)
    previous: dict[int, Any] = {}

    def ask(number: int, _: object) -> None:
        stop.set()
        if number == signal.SIGINT:
            signal.signal(number, previous[number])

    for number in asked:
        previous[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number in asked:
            signal.signal(number, previous[number])
