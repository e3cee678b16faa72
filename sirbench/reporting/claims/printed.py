"""A family of claims as it is printed: a row per claim and candidates, with its verdict."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from sirbench.evaluation.claims.verdict import ONE_SEED, TWO_SEEDS
from sirbench.jobs.configuration import Configuration
from sirbench.reporting.claims.of_study import left_out
from sirbench.reporting.tables.notes import readings
from sirbench.reporting.tables.presentation import (
    DEMONSTRATION,
    NOT_MEASURED,
    Number,
    Presentation,
    ShownRow,
    paper_name,
)
from sirbench.reporting.tables.study_notes import study_notes

DIVERGED = (
    "A seed that diverged counts as such, and no other takes its place: what is said of its recipe is said "
    "of the seeds that converged."
)
SEEDS = "Nothing can be judged before every recipe has three seeds or more (`seeds` in the study)."
OF_INTERVALS = (
    "Intervals are not corrected: that of an undecided claim may leave 0 out. The p-value of a claim of "
    "equality is about its margin, not about 0, and a difference may be both real and within it. Every table "
    "of claims is corrected by itself."
)
PAPERS = (
    "The paper's differences are of MS MARCO documents and its own candidates of the same name, not of this "
    "study's collection."
)
HEADS = ["Difference", "95 % interval", "p", "p (Holm)", "Paper's", "Verdict"]


def present_claims(config: Configuration, name: str, lines: pd.DataFrame) -> Presentation:
    """Arrange the lines of one family, which `judged_claims` made."""
    family, study, records = config.claims[name], config.study, lines.to_dict("records")
    several = lines["candidates"].nunique() > 1
    return Presentation(
        name=f"claims-{name}",
        title=family.title,
        caption=family.caption,
        warning=DEMONSTRATION if study.demonstration else "",
        groups=[("", HEADS)],
        rows=[_row(line, study.candidates_title(line["candidates"]) if several else "") for line in records],
        notes=[
            *_notes(records, left_out(config, family)),
            *([PAPERS] if lines["effect_of_paper"].notna().any() and not study.comparable else []),
            *_readings(config, records),
            *study_notes(config, _backbones(records)),
        ],
        stub="Claim",
    )


def _p(value: float) -> str:
    if pd.isna(value):
        return ""
    return "<0.001" if value < 0.0005 else f"{value:.3f}"


def _readings(config: Configuration, records: Sequence[Mapping[Hashable, Any]]) -> list[str]:
    """How Eq. 7 is read by the recipes that claims compare, where they have it."""
    recipes = [str(line[side]).partition("/")[2] for line in records for side in ("better", "than")]
    names = dict.fromkeys(recipes)
    read = [(name, str(getattr(config.recipes[name], "cpr", ""))) for name in names]
    return readings(pd.DataFrame(read, columns=["row", "cpr"]))


def _backbones(records: Sequence[Mapping[Hashable, Any]]) -> list[str]:
    sides = [str(line[side]) for line in records for side in ("better", "than")]
    return list(dict.fromkeys(side.partition("/")[0] for side in sides))


def _row(line: Mapping[Hashable, Any], candidates: str) -> ShownRow:
    interval = [f"{line['ci_low']:+.3f} to {line['ci_high']:+.3f}"] if pd.notna(line["ci_low"]) else []
    p_values = [_p(line[key]) for key in ("p_value", "p_holm")]
    paper = f"{line['effect_of_paper']:+.3f}" if pd.notna(line["effect_of_paper"]) else ""
    effect = f"{line['effect']:+.3f}" if pd.notna(line["effect"]) else ""
    texts = [effect, *(interval or [""]), *p_values, paper, line["verdict"]]
    within = f"(Margin: {line['margin']:.3f}.)" if pd.notna(line["margin"]) else ""
    label = " ".join(part for part in (line["sentence"], within, candidates) if part)
    return ShownRow(label, [Number(text) if text else NOT_MEASURED for text in texts])


def _notes(records: Sequence[Mapping[Hashable, Any]], absent: Sequence[str]) -> list[str]:
    seeds = sorted({line[key] for line in records for key in ("seeds_better", "seeds_than")} - {0})
    of_seeds = (" or ".join(map(str, seeds)) or "no") + (" seed" if seeds == [1] else " seeds")
    queries = max(line["queries"] for line in records)
    notes = [
        f"Differences of {paper_name(str(records[0]['measure']))} over {queries} dev queries, "
        f"{of_seeds}. Intervals and p-values are over queries and seeds "
        "together; a claim is supported or contradicted where p is below 0.05 after Holm's correction over "
        "this table.",
        "A claim of equality is supported where the difference is shown to be within its margin.",
        OF_INTERVALS,
    ]
    diverged = {f"On {line['candidates']}: {line['remarks']}.": None for line in records if line["remarks"]}
    if diverged:
        notes += [*diverged, DIVERGED]
    decided_by = [line for line in records if line["to_decide"] and line["to_decide"] != line["remarks"]]
    if decided_by and all(line["verdict"] in (ONE_SEED, TWO_SEEDS) for line in decided_by):
        return [*notes, SEEDS, *_left_out(absent)]
    notes += [f"{line['sentence']} {line['candidates']}: {line['to_decide']}." for line in decided_by]
    return [*notes, *_left_out(absent)]


def _left_out(absent: Sequence[str]) -> list[str]:
    return [f"Left out, as this study lacks their backbones: {' '.join(absent)}"] if absent else []
