"""Loss curves, small enough for many on a page: the points of a line for each run, on one scale."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT, MOST_POINTS = 160, 48, 80
"""Units of a curve's own coordinates, and the most points that it is drawn with."""


class Curve(NamedTuple):
    """The losses of one run: its points as SVG has them, and the values at both ends."""

    name: str
    points: str
    first: float
    last: float


class Card(NamedTuple):
    """The curves of a training in its seeds."""

    title: str
    curves: list[Curve]
    view_box: str = f"-1 -1 {WIDTH + 2} {HEIGHT + 2}"


def card(title: str, losses: Mapping[str, Sequence[float]]) -> Card:
    """The curves of losses by name; each name has at least one.

    A point is the mean of as many losses as come to it, so that no more than `MOST_POINTS` are drawn.
    """
    means = {name: _pooled(values) for name, values in losses.items()}
    every = [value for values in means.values() for value in values]
    low, high = min(every), max(every)
    return Card(
        title,
        [Curve(name, _points(them, low, high), them[0], them[-1]) for name, them in means.items()],
    )


def _pooled(values: Sequence[float]) -> list[float]:
    parts = min(len(values), MOST_POINTS)
    edges = [len(values) * part // parts for part in range(parts + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def _points(values: Sequence[float], low: float, high: float) -> str:
    across = WIDTH / max(1, len(values) - 1)
    scale = HEIGHT / (high - low or 1)
    return " ".join(f"{x * across:.1f},{(high - value) * scale:.1f}" for x, value in enumerate(values))
