"""Equality: two recipes differ by less than a margin that was stated in advance."""

from dataclasses import dataclass
from typing import Literal

from sirbench.evaluation.claims.inference import Effect
from sirbench.machine.errors import InputError


@dataclass(frozen=True)
class Margin:
    """The smallest difference that matters, in either direction.

    Attributes:
        value: above 0.
        unit: "absolute" (in the measure's own unit: 0.005 of RR@100) or "relative" (to the baseline's mean:
            0.02 is 2 %).
    """

    value: float
    unit: Literal["absolute", "relative"]

    def __post_init__(self) -> None:
        if self.unit not in ("absolute", "relative"):
            raise InputError(f"margin {self.value}: its unit is absolute or relative, not {self.unit!r}")
        if not 0 < self.value < float("inf"):
            raise InputError(f"margin {self.value}: a margin is above 0")

    def __str__(self) -> str:
        return f"{self.value:g}" if self.unit == "absolute" else f"{100 * self.value:g} %"

    def of(self, baseline: float) -> float:
        """Return the margin in the measure's unit. The baseline's measured mean is taken as known.

        Raises:
            InputError: the margin is relative, and the baseline's mean is 0.
        """
        if self.unit == "absolute":
            return self.value
        if not baseline > 0:
            raise InputError(f"a margin of {self} needs a baseline whose mean is above 0, not {baseline:g}")
        return self.value * baseline


def p_equal(effect: Effect, margin: float) -> float:
    """Return the p-value of two one-sided tests: small where the difference is within the margin.

    The larger of the p-values of "the difference is at or below -margin" and "at or above +margin"; it is
    below a exactly where the interval of confidence 1 - 2a is inside the margin.

    Source: D. J. Schuirmann, A comparison of the two one-sided tests procedure ..., Journal of
    Pharmacokinetics and Biopharmaceutics 15, 1987.
    """
    return max(p_above(effect, -margin), p_above(negated(effect), -margin))


def p_different(effect: Effect, margin: float) -> float:
    """Return the p-value of "the difference is within the margin": small where it is larger, either way.

    Twice the one-sided p-value at the nearer bound, at most 1; it is below a exactly where the interval of
    confidence 1 - a lies outside the margin, on one side of it.
    """
    return 2 * min(p_above(effect, margin), p_above(negated(effect), margin), 0.5)


def p_above(effect: Effect, bound: float) -> float:
    """Return the one-sided p-value of "the difference is at or below `bound`"; nan without a test."""
    if effect.reference is None:
        return float("nan")
    distance = effect.estimate - bound
    half = effect.reference.p_value(distance) / 2
    return half if distance > 0 else 1 - half


def negated(effect: Effect) -> Effect:
    """The same difference, taken the other way round."""
    return Effect(-effect.estimate, effect.reference)
