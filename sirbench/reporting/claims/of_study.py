"""The verdicts on a study's claims, tidy: a line per claim and candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from sirbench.evaluation.claims.equality import Margin
from sirbench.evaluation.claims.measured import Measured
from sirbench.evaluation.claims.table import Claim, claim_table
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Condition
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.measured import is_measured, read_trainings
from sirbench.reporting.tables.published import published_difference
from sirbench.study import Claims, Compared

SidesMeasured = Mapping[tuple[str, str], Measured]
"""What was measured, by candidates and side of a claim."""


def judged_claims(config: Configuration) -> pd.DataFrame:
    """Every claim that the study has backbones for, with effect, interval, tests and verdict.

    Holm's correction is over a family, that is a file, on all its candidates. The columns are `family` and
    those of `evaluation.claims.table.row`.

    Raises:
        InputError: a cell that is compared is not measured, or not as study and recipes now are; or the study
            has no backbone that any claim is about.
    """
    missing = [one.name for one in needs.claimed_evaluations(config) if not is_measured(config, one)]
    if missing:
        raise InputError(
            f"claims: not measured, or not as study and recipes now are: {', '.join(missing)}; "
            f"`snakemake claims --config study={config.name}` measures them"
        )
    frames = []
    # The paper's own come first.
    for name, family in sorted(config.claims.items(), key=lambda item: not item[1].published):
        if claims := _claims(config, family):
            frame = _judged(claims, _measured(config, family))
            frame.insert(0, "family", name)
            frames.append(frame)
    if not frames:
        raise InputError(f"claims: study {config.name} has no backbone that any claim is about")
    return pd.concat(frames, ignore_index=True)


def left_out(config: Configuration, family: Claims) -> list[str]:
    """The sentences of a family that are about backbones that the study lacks."""
    shown = needs.shown_claims(config, family)
    return [claim.sentence for name, claim in family.claims.items() if name not in shown]


def _claims(config: Configuration, family: Claims) -> list[Claim]:
    return [
        Claim(
            claim=name,
            sentence=spec.sentence,
            kind="better" if spec.better else "equal",
            measure=family.measure,
            candidates=candidates,
            better=_side(spec.first),
            than=_side(spec.than),
            margin=Margin(spec.margin.value, spec.margin.unit) if spec.margin else None,
            effect_of_paper=_published(family, candidates, spec.first, spec.than),
        )
        for name, spec in needs.shown_claims(config, family).items()
        for candidates in needs.claimed_candidates(config, family)
    ]


def _side(side: Compared) -> str:
    """How a line names what is compared; its parts are the condition's."""
    return f"{side.backbone}/{side.recipe}"


def _measured(config: Configuration, family: Claims) -> SidesMeasured:
    """What was measured of each side of a family's claims, and which of its seeds diverged."""
    found = {}
    for candidates in needs.claimed_candidates(config, family):
        for claim in needs.shown_claims(config, family).values():
            for side in (claim.first, claim.than):
                one = needs.condition_of(config, candidates, side)
                found[candidates, _side(side)] = _of_seeds(config, one, _side(side), family.measure)
    return found


def _of_seeds(config: Configuration, one: Condition, name: str, measure: str) -> Measured:
    return replace(read_trainings(config, one).by(measure), name=name)


def _judged(claims: Sequence[Claim], measured: SidesMeasured) -> pd.DataFrame:
    """The verdicts on a family; the variance between seeds is pooled over its recipes where a test allows it.

    Those of a claim's own backbones, that is: how far a seed moves a model depends on what it starts from.
    """

    def others(claim: Claim) -> list[Measured]:
        backbones = {_backbone(claim.better), _backbone(claim.than)}
        return [
            one
            for (candidates, side), one in measured.items()
            if candidates == claim.candidates and _backbone(side) in backbones
        ]

    return claim_table(claims, lambda claim, side: measured[claim.candidates, side], others=others)


def _backbone(side: str) -> str:
    return side.partition("/")[0]


def _published(family: Claims, candidates: str, first: Compared, than: Compared) -> float | None:
    """The difference that the paper prints; None where it prints none."""
    if not family.published:
        return None
    sides = (first.backbone, first.recipe), (than.backbone, than.recipe)
    return published_difference(*sides, candidates, family.measure)
