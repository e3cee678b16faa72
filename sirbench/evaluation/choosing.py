"""The best of several options by the mean of a measure, and how far it is ahead of the runner-up."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

from sirbench.evaluation.claims.inference import compare
from sirbench.evaluation.claims.measured import Measured, check_comparable
from sirbench.evaluation.significance import bootstrap_interval

OVER_BOTH, OVER_QUERIES = "over queries and seeds", "over queries alone, of one seed"


@dataclass(frozen=True)
class Lead:
    """By how much the best option is ahead of the next, and what chance does to that.

    Attributes:
        runner_up: the next option.
        difference: of the means.
        interval: 95 %, of the difference; (nan, nan) where it cannot be told.
        of: what the interval is over.
    """

    runner_up: str
    difference: float
    interval: tuple[float, float]
    of: str


@dataclass(frozen=True)
class Chosen:
    """The outcome of a choice.

    Attributes:
        option: the best one; None where no option converged in all seeds.
        means: of every option over queries and the seeds that converged; nan where none did.
        lead: on the runner-up; None where there is none.
    """

    option: str | None
    means: Mapping[str, float]
    lead: Lead | None


def choose(options: Mapping[str, Measured]) -> Chosen:
    """Choose the option with the highest mean; of equal ones, the first.

    An option that diverged in any seed is not chosen, however good its other seeds are.

    The interval of the lead takes the two as if they had been named in advance. As they are the best of
    several, it is too narrow, and the mean of the best too high: it was also the luckiest.

    Raises:
        InputError: options were measured on different queries.
    """
    check_comparable(*options.values())
    means = {name: float(one.values.to_numpy().mean()) if one.seeds else nan for name, one in options.items()}
    converged = [name for name, one in options.items() if one.seeds and not one.absent]
    ranked = sorted(converged, key=lambda name: -means[name])
    if len(ranked) < 2:
        return Chosen(ranked[0] if ranked else None, means, None)
    return Chosen(ranked[0], means, _lead(options[ranked[0]], options[ranked[1]], ranked[1]))


def _lead(best: Measured, next_one: Measured, name: str) -> Lead:
    effect = compare(best, next_one).effect
    if effect.reference is not None:
        return Lead(name, effect.estimate, effect.interval, OVER_BOTH)
    differences = best.values.mean() - next_one.values[best.values.columns].mean()
    return Lead(name, effect.estimate, bootstrap_interval(differences), OVER_QUERIES)
