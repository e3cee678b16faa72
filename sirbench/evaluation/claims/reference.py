"""The distribution that a difference is held against: Student's t, weighted over independent variances."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt

from scipy.special import stdtrit

SMALLEST_P = 1e-30
"""Probabilities below this are given as this: no model of the data holds so far out."""
MOST_FREEDOM = 1e6
"""Degrees of freedom from which on Student's t is the normal distribution."""


@dataclass(frozen=True)
class Reference:
    """Cochran's approximation to the distribution of a difference whose variance is a sum of estimates.

    For a difference with estimated variance V = v_1 + v_2 + ..., where v_i is an independent estimate with
    f_i degrees of freedom, the two-sided critical value at level a is the mean of Student's quantiles,
    weighted by the variances:

        t*(a) = sum_i v_i t(1 - a/2; f_i) / V

    It lies between the smallest and the largest of these quantiles. Satterthwaite's (1946) alternative is one
    Student t whose degrees of freedom are estimated from the same v_i; with two or four degrees of freedom
    behind a v_i this estimate is so noisy that the test rejects too often (with three seeds up to 7.5 %
    for 5 %: `python -m benchmarks.claims`); with the weighted quantile it is 2.5 to 5.2 %.

    Source: W. G. Cochran, Approximate significance levels of the Behrens-Fisher test, Biometrics 20, 1964.

    Attributes:
        parts: pairs (v_i, f_i); a v_i may be 0.
    """

    parts: tuple[tuple[float, float], ...]

    @property
    def variance(self) -> float:
        """V, the estimated variance of the difference."""
        return sum(variance for variance, _ in self.parts)

    @property
    def standard_error(self) -> float:
        """The square root of V."""
        return sqrt(self.variance)

    def critical(self, level: float) -> float:
        """Return t*(level), in standard errors; 0 where the variance is 0."""
        if not self.variance:
            return 0.0
        return -sum(v * float(stdtrit(f, level / 2)) for v, f in self.parts if v) / self.variance

    def half_width(self, level: float) -> float:
        """Return half the width of the interval with confidence 1 - level."""
        return self.critical(level) * self.standard_error

    def p_value(self, distance: float) -> float:
        """Return the two-sided p-value of a difference that lies `distance` from what is tested.

        It is the level whose interval just reaches that far, so test and interval never disagree. Without
        variance it is 1 for no distance, and the smallest p that is given for any other.
        """
        distance = abs(distance)
        if not distance:
            return 1.0
        if self.half_width(SMALLEST_P) <= distance:
            return SMALLEST_P
        return exp(root(lambda x: self.half_width(exp(x)) - distance, log(SMALLEST_P), 0.0))

    @property
    def degrees_of_freedom(self) -> float:
        """The degrees of freedom at which one Student t has the critical value t*(0.05)."""
        critical = self.critical(0.05)
        if not critical or critical <= -float(stdtrit(MOST_FREEDOM, 0.025)):
            return float("inf")
        return exp(root(lambda x: -float(stdtrit(exp(x), 0.025)) - critical, log(0.9), log(MOST_FREEDOM)))


def root(function: Callable[[float], float], low: float, high: float, tolerance: float = 1e-10) -> float:
    """Return where a function is 0 between two numbers at which its signs differ."""
    # Imported here: it takes a second, and every reading of config/ imports this file.
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=tolerance))
