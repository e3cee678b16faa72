"""A malformed input, what reading it should come to, and what it does come to."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sirbench.machine.errors import InputError

SLOWEST = 20
"""Seconds that reading one input may take."""
LONGEST = 5000
"""Characters of a message that somebody may be expected to look at."""

Expected = Literal["refused", "read", "refused or whole"]
"""`refused or whole`: damage that may lie where no content is; if it is read, then as the undamaged input."""


class Case(NamedTuple):
    """One input."""

    kind: str
    """What is read."""
    name: str
    """What is wrong with it."""
    make: Callable[[Path], None]
    """Writes it into an empty folder."""
    read: Callable[[Path], Any]
    """Reads it, as a verb would, from there; the result is what is compared with `whole`."""
    expected: Expected = "refused"
    whole: Any = None


class Hang(Exception):
    """Reading took longer than `SLOWEST`."""


def verdict(case: Case, folder: Path) -> str:
    """`as expected`, or in a word what went wrong: `traceback`, `hang`, `wrongly accepted`, ..."""
    case.make(folder)
    try:
        with at_most(SLOWEST):
            content = case.read(folder)
    except Hang:
        return "hang"
    except InputError as error:
        if not 0 < len(str(error)) <= LONGEST:
            return f"message of {len(str(error))} characters"
        return "as expected" if case.expected != "read" else f"wrongly refused: {error}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"traceback: {error!r}"[:300]
    if case.expected == "refused":
        return "wrongly accepted"
    if case.expected == "refused or whole" and content != case.whole:
        return "wrongly accepted"
    return "as expected"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `Hang` within the block after so many seconds."""

    def stop(*_: object) -> None:
        raise Hang

    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if time.monotonic() - started > seconds:
        raise Hang
