"""Timing several sides in turn, and the table of their ratios."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tqdm import tqdm


class Row(NamedTuple):
    """A line of the table."""

    what: str
    ratios: Sequence[float]
    """One per round."""
    goal: str = ""
    cpu_ratios: Sequence[float] = ()
    """The same of processor time, which a busy machine disturbs less than the clock's."""


class Times(NamedTuple):
    """Seconds of each round of one side."""

    wall: list[float]
    cpu: list[float]

    def __add__(self, other: "Times") -> "Times":
        return Times(*([a + b for a, b in zip(*both, strict=True)] for both in zip(self, other, strict=True)))


def time_in_turn(sides: Mapping[str, Callable[[], object]], rounds: int, name: str) -> dict[str, Times]:
    """Seconds of every side in each of `rounds` rounds, A B A B ..., so that a slow minute hits all alike."""
    times = {side: Times([], []) for side in sides}
    with tqdm(total=rounds * len(sides), desc=name, unit="run") as bar:
        for _ in range(rounds):
            for side, function in sides.items():
                wall, cpu = time.perf_counter(), time.process_time()
                function()
                times[side].wall.append(time.perf_counter() - wall)
                times[side].cpu.append(time.process_time() - cpu)
                bar.update()
    return times


def speedup(what: str, slow: Times, fast: Times, goal: str = "") -> Row:
    """How many times faster `fast` was, round by round."""
    wall, cpu = ([a / b for a, b in zip(*both, strict=True)] for both in zip(slow, fast, strict=True))
    return Row(what, wall, goal, cpu)


def table(rows: Sequence[Row]) -> str:
    """Markdown: the median ratio of each row with its lowest and highest."""
    lines = ["| what | ratio, median (min-max) | of processor time | goal |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {row.what} | {_spread(row.ratios)} | {_spread(row.cpu_ratios)} | {row.goal} |" for row in rows
    ]
    return "\n".join(lines)


def _spread(ratios: Sequence[float]) -> str:
    if len(ratios) < 2:
        return f"{ratios[0]:.2f}" if ratios else ""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
