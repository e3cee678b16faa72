"""A family of claims with what was measured, as one frame."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan

import pandas as pd

from sirbench.evaluation.claims.equality import Margin
from sirbench.evaluation.claims.inference import Comparison, Seeds, compare
from sirbench.evaluation.claims.measured import Measured
from sirbench.evaluation.claims.verdict import Kind, Question, Verdict, judge
from sirbench.machine.errors import InputError


@dataclass(frozen=True)
class Claim:
    """One sentence as data: a recipe is better than another, or equal to it, by one measure on one set of
    candidates.

    Attributes:
        claim: its short name.
        sentence: what is claimed, in words.
        kind: "better" or "equal".
        measure, candidates: as everywhere in the suite.
        better, than: names of what is compared. With "equal", the difference is the first's minus the
            second's, too.
        margin: with "equal" how large a difference still counts as equal; without, None.
        effect_of_paper: the difference that the paper prints.

    Raises:
        InputError: another kind, "equal" without a margin or "better" with one, or a recipe compared with
        itself.
    """

    claim: str
    sentence: str
    kind: Kind
    measure: str
    candidates: str
    better: str
    than: str
    margin: Margin | None = None
    effect_of_paper: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("better", "equal"):
            raise InputError(f"claim {self.claim}: its kind is better or equal, not {self.kind!r}")
        if self.kind == "equal" and self.margin is None:
            raise InputError(
                f"claim {self.claim}: equality needs a margin, e.g. 0.005 absolute or 0.02 relative"
            )
        if self.kind == "better" and self.margin is not None:
            raise InputError(f"claim {self.claim}: only a claim of equality has a margin")
        if self.better == self.than:
            raise InputError(f"claim {self.claim}: {self.better} is compared with itself")


Find = Callable[[Claim, str], Measured]
"""Gives what was measured of a named recipe, for a claim's candidates and measure."""


def claim_table(
    claims: Sequence[Claim],
    find: Find,
    *,
    others: Callable[[Claim], Sequence[Measured]] | None = None,
    seeds: Seeds = "shared",
) -> pd.DataFrame:
    """Compare and judge a family of claims.

    Args:
        claims: the family; Holm's correction is over all of them.
        find: what was measured of a claim's `better`, and of its `than`.
        others: more recipes of a claim's table, on its candidates and measure, whose seeds may help to
            estimate the variance between seeds; the two that are compared, if among them, are left out by
            their names.
        seeds: whether trainings with the same seed number have anything in common.

    Returns:
        A row per claim, in the given order, and the columns of `row`.

    Raises:
        InputError: a claim appears twice, or two recipes of one claim are measured on different queries.
    """
    keys = [(c.claim, c.measure, c.candidates, c.better, c.than) for c in claims]
    for key in keys:
        if keys.count(key) > 1:
            raise InputError(f"claim {' '.join(key)} appears twice")
    questions = [_question(claim, find, others, seeds) for claim in claims]
    verdicts = judge(questions)
    return pd.DataFrame([row(*of) for of in zip(claims, questions, verdicts, strict=True)])


def row(claim: Claim, question: Question, verdict: Verdict) -> dict[str, object]:
    """One row of the table.

    `effect`, `margin` and `sd_seeds` are in the measure's unit; `sd_seeds` is the standard deviation of the
    difference from seed to seed; `seeds_better` and `seeds_than` count seeds that gave a model, of the others
    `remarks` speaks; `p_paired_t` is the paper's test, which is about these trained models.
    """
    comparison = question.comparison
    low, high = comparison.effect.interval
    return {
        "claim": claim.claim,
        "sentence": claim.sentence,
        "kind": claim.kind,
        "measure": claim.measure,
        "candidates": claim.candidates,
        "better": claim.better,
        "than": claim.than,
        "margin": _or_nan(question.margin),
        "effect": comparison.effect.estimate,
        "ci_low": low,
        "ci_high": high,
        "p_value": verdict.p_value,
        "p_holm": verdict.p_holm,
        "p_paired_t": comparison.p_paired_t,
        "sd_seeds": comparison.effect.sd_seeds,
        "seeds_better": comparison.seeds_better,
        "seeds_than": comparison.seeds_than,
        "queries": comparison.queries,
        "effect_of_paper": _or_nan(claim.effect_of_paper),
        "verdict": verdict.word,
        "to_decide": verdict.to_decide,
        "analysis": comparison.analysis,
        "remarks": "; ".join(comparison.remarks),
    }


def _question(
    claim: Claim, find: Find, others: Callable[[Claim], Sequence[Measured]] | None, seeds: Seeds
) -> Question:
    better, than = find(claim, claim.better), find(claim, claim.than)
    helping = (
        [other for other in others(claim) if other.name not in (better.name, than.name)] if others else []
    )
    comparison = compare(better, than, others=helping, seeds=seeds)
    return Question(comparison, claim.kind, _margin(claim, comparison), claim.effect_of_paper)


def _margin(claim: Claim, comparison: Comparison) -> float | None:
    """The margin in the measure's unit; unknown where it is relative to a baseline that was not measured."""
    if claim.margin is None:
        return None
    if claim.margin.unit == "relative" and isnan(comparison.baseline):
        return nan
    return claim.margin.of(comparison.baseline)


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
