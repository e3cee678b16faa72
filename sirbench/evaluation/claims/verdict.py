"""Verdicts on a family of claims: supported, contradicted or undecided, corrected for their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

from sirbench.evaluation.claims.advice import advice_on_difference, advice_on_equality
from sirbench.evaluation.claims.equality import p_different, p_equal
from sirbench.evaluation.claims.inference import LEVEL, Comparison
from sirbench.evaluation.significance import holm
from sirbench.machine.errors import InputError

ONE_SEED = "one seed: nothing can be said of the recipe"
TWO_SEEDS = "two seeds: too few to judge a recipe by"
LEAST_SEEDS = 3
"""Seeds of either recipe that a verdict takes. The variance between two has one degree of freedom: at the
strict levels that Holm's correction asks for, tests are then wrong too often (of families of 13 claims
without any difference .14 had a false one, in a simulation like those of `python -m benchmarks.claims`)."""

Kind = Literal["better", "equal"]


@dataclass(frozen=True)
class Question:
    """What a claim asks of a comparison.

    Attributes:
        comparison: of the two recipes.
        kind: whether the first is claimed to be "better" than the second, or "equal" to it.
        margin: with "equal", in the measure's unit, how large a difference still counts as equal.
        effect_of_paper: the difference that the paper prints, if any; advice is about this one.

    Raises:
        InputError: "equal" without a margin, or "better" with one.
    """

    comparison: Comparison
    kind: Kind
    margin: float | None = None
    effect_of_paper: float | None = None

    def __post_init__(self) -> None:
        if (self.kind == "equal") != (self.margin is not None):
            names = f"{self.comparison.better} and {self.comparison.than}"
            raise InputError(f"{names}: a claim of equality has a margin, and only such a claim")


@dataclass(frozen=True)
class Verdict:
    """What the data say to a claim.

    Attributes:
        word: "supported", "contradicted", "undecided"; or why nothing can be said.
        p_value: of the decision that the data lean to. "better": the two-sided test of no difference.
            "equal": two one-sided tests where they lean to equality, else the test of a difference larger
            than the margin.
        p_holm: the same after Holm's correction over the family.
        to_decide: what an undecided claim would take.
    """

    word: str
    p_value: float = nan
    p_holm: float = nan
    to_decide: str = ""


def judge(questions: Sequence[Question]) -> list[Verdict]:
    """Return a verdict for each claim of one family.

    A claim is decided where its p-value, after Holm's correction over the family, is below LEVEL: "better" on
    the side on which the difference is, "equal" by whichever of its two tests has the smaller p-value. There
    are as many tests as claims, not twice as many: of a claim's two decisions only one can be wrong, except
    at the very border (J. P. Shaffer, Control of directional errors with stagewise multiple test procedures,
    Annals of Statistics 8, 1980). Claims that cannot be tested are no part of the family.
    """
    leanings = [_leaning(question) for question in questions]
    p_values = [p for _, p in leanings]
    tests = sum(not isnan(p) for p in p_values)
    return [
        _verdict(question, word, p, float("nan" if corrected is None else corrected), tests)
        for question, (word, p), corrected in zip(questions, leanings, holm(p_values), strict=True)
    ]


def _leaning(question: Question) -> tuple[str, float]:
    """The decision that the data lean to, and its p-value."""
    effect = question.comparison.effect
    if effect.reference is None or _fewest(question.comparison) < LEAST_SEEDS:
        return _why_untested(question.comparison), nan
    if question.margin is None:
        return ("supported" if effect.estimate > 0 else "contradicted"), effect.p_value
    equal, different = p_equal(effect, question.margin), p_different(effect, question.margin)
    return ("supported", equal) if equal <= different else ("contradicted", different)


def _verdict(question: Question, word: str, p_value: float, p_holm: float, tests: int) -> Verdict:
    if isnan(p_value):
        return Verdict(word, to_decide=_what_untested_needs(question.comparison))
    if p_holm < LEVEL:
        return Verdict(word, p_value, p_holm)
    # As strict as Holm is with the smallest of so many p-values: enough, whatever the other claims do.
    level = LEVEL / tests
    if question.margin is None:
        advice = advice_on_difference(question.comparison, level, question.effect_of_paper)
    else:
        advice = advice_on_equality(question.comparison, level, question.margin)
    return Verdict("undecided", p_value, p_holm, advice)


def _why_untested(comparison: Comparison) -> str:
    for name, seeds in _seeds(comparison):
        if not seeds:
            return f"not measured: no seed of {name} gave a model"
    return ONE_SEED if _fewest(comparison) == 1 else TWO_SEEDS


def _what_untested_needs(comparison: Comparison) -> str:
    """More seeds; but where seeds were tried and gave no model, how often that happens is the result."""
    if comparison.remarks:
        return "; ".join(comparison.remarks)
    few = [name for name, seeds in _seeds(comparison) if seeds < LEAST_SEEDS]
    return f"at least {LEAST_SEEDS} seeds of {' and '.join(few)}"


def _fewest(comparison: Comparison) -> int:
    return min(comparison.seeds_better, comparison.seeds_than)


def _seeds(comparison: Comparison) -> list[tuple[str, int]]:
    return [(comparison.better, comparison.seeds_better), (comparison.than, comparison.seeds_than)]
