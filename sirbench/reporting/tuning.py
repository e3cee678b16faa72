"""What was chosen on validation queries, from what, and by how much: as lines, for machines, and in print."""

import hashlib
from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from sirbench.evaluation.choosing import Chosen
from sirbench.evaluation.claims.measured import Measured
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.tuning import candidates_of, choices, seeds_of
from sirbench.reporting.tables.presentation import (
    DEMONSTRATION,
    NOT_MEASURED,
    Number,
    Presentation,
    ShownRow,
    paper_name,
)

Outcomes = Mapping[str, tuple[Mapping[str, Measured], Chosen]]
"""Of each choice by name: what was measured of its options, and the outcome."""

COLUMNS = ["choice", "option", "recipe", "value", "sd_seeds", "seeds", "queries", "diverged", "chosen"]


def tuning_lines(config: Configuration, name: str, outcomes: Outcomes) -> pd.DataFrame:
    """A line for each option of each choice, tidy: `COLUMNS`."""
    lines = [
        (
            choice.name,
            option,
            recipe,
            outcomes[choice.name][1].means[option],
            _sd_seeds(measured := outcomes[choice.name][0][option]),
            measured.seeds,
            len(measured.values.columns) if measured.seeds else 0,
            len(measured.absent),
            option == outcomes[choice.name][1].option,
        )
        for choice in choices(config, name)
        for option, recipe in choice.options.items()
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def tuning_record(config: Configuration, name: str, outcomes: Outcomes) -> dict[str, Any]:
    """The choices for machines: what was chosen, from what, on what, and the lead on the runner-up."""
    tuning, queries = config.tunings[name], _queries(outcomes)
    return {
        "study": config.name,
        "demonstration": config.study.demonstration,
        "tuning": name,
        "chosen_by": tuning.measure,
        "candidates": candidates_of(config, tuning),
        "backbone": tuning.backbone,
        "seeds": seeds_of(config, tuning),
        "validation_queries": len(queries),
        "validation_sha256": hashlib.sha256("\n".join(sorted(queries)).encode()).hexdigest(),
        "training_queries": config.study.collection.train_queries,
        "choices": {key: _choice(*outcome) for key, outcome in outcomes.items()},
    }


def present_tuning(config: Configuration, name: str, lines: pd.DataFrame, outcomes: Outcomes) -> Presentation:
    """The table as it is printed: an option in each row, the chosen ones in bold."""
    tuning, several = config.tunings[name], lines["choice"].nunique() > 1
    heads = [paper_name(tuning.measure), "SD of seeds", "Seeds"]
    rows, before = [], None
    for line in lines.itertuples():
        label = f"{line.choice} {line.option}" if several else str(line.option)
        rows.append(ShownRow(label, _numbers(line), rule_above=before not in (None, line.choice)))
        before = line.choice
    return Presentation(
        name=f"tuning-{name}",
        title=tuning.title,
        caption=tuning.caption,
        warning=DEMONSTRATION if config.study.demonstration else "",
        groups=[("", heads)],
        rows=rows,
        notes=_notes(config, name, lines, outcomes),
        stub="Option",
    )


def _numbers(line: Any) -> list[Number]:
    mean = NOT_MEASURED if isnan(line.value) else Number(f"{line.value:.3f}", best=line.chosen)
    spread = NOT_MEASURED if isnan(line.sd_seeds) else Number(f"{line.sd_seeds:.3f}")
    of = f"{line.seeds} of {line.seeds + line.diverged}" if line.diverged else f"{line.seeds}"
    return [mean, spread, Number(of)]


def _notes(config: Configuration, name: str, lines: pd.DataFrame, outcomes: Outcomes) -> list[str]:
    study, tuning = config.study, config.tunings[name]
    on, queries = study.candidates_title(candidates_of(config, tuning)), len(_queries(outcomes))
    notes = [
        f"{paper_name(tuning.measure)} of {tuning.backbone} on {on} candidates over {queries} validation "
        "queries, on which nothing was trained. Bold: chosen.",
        "The best of several is also the luckiest: expect less of it on other queries, and take an interval "
        "that includes 0 for what it says, that another option may be as good.",
    ]
    notes += [_sentence(key, chosen) for key, (_, chosen) in outcomes.items()]
    for key, group in lines.groupby("choice", sort=False):
        at = list(group["chosen"])
        if tuning.learning_rates and (at[0] or at[-1]):
            notes.append(f"{key}: the best is at the edge of the grid; a wider one may have a better.")
    return [
        *notes,
        *(one.remark + "." for measured, _ in outcomes.values() for one in measured.values() if one.absent),
    ]


def _sentence(key: str, chosen: Chosen) -> str:
    if chosen.option is None:
        return f"{key}: nothing chosen, as every option diverged in some seed."
    if chosen.lead is None:
        return f"{key}: {chosen.option}, the only one that converged in every seed."
    lead, (low, high) = chosen.lead, chosen.lead.interval
    if lead.difference == 0:
        return f"{key}: {chosen.option}, the first of two equal ones; the other is {lead.runner_up}."
    interval = f"{low:+.3f} to {high:+.3f}" if not isnan(low) else "unknown"
    return (
        f"{key}: {chosen.option}, ahead of {lead.runner_up} by {lead.difference:.3f} "
        f"(95 % interval {lead.of}: {interval})."
    )


def _choice(measured: Mapping[str, Measured], chosen: Chosen) -> dict[str, Any]:
    lead = chosen.lead
    return {
        "chosen": chosen.option,
        "values": {option: _known(mean) for option, mean in chosen.means.items()},
        "diverged": {option: sorted(one.absent) for option, one in measured.items() if one.absent},
        "runner_up": lead and lead.runner_up,
        "difference": lead and _known(lead.difference),
        "interval": lead and [_known(end) for end in lead.interval],
        "interval_is": lead and lead.of,
    }


def _known(number: float) -> float | None:
    return None if isnan(number) else number


def _sd_seeds(measured: Measured) -> float:
    return float(measured.values.mean(axis=1).std(ddof=1))


def _queries(outcomes: Outcomes) -> list[str]:
    measured = [one for options, _ in outcomes.values() for one in options.values() if one.seeds]
    return [str(query) for query in measured[0].values.columns] if measured else []
