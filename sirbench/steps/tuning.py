"""Verb `tune`: what is best on validation queries, in print and for machines. It reads no dev query."""

import json

import pandas as pd

from sirbench.evaluation.choosing import choose
from sirbench.evaluation.claims.measured import Measured
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Condition
from sirbench.jobs.held_out import check_validation
from sirbench.jobs.layout import Layout
from sirbench.jobs.tuning import choices, condition_of
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.tables import markdown
from sirbench.reporting.tuning import present_tuning, tuning_lines, tuning_record


def tune(config: Configuration, name: str) -> None:
    """Write a tuning as csv, md and json from the measures of its cells on validation queries.

    Raises:
        InputError: the study has no validation queries, or a cell is not measured on them.
    """
    check_validation(config)
    tuning, layout = config.tunings[name], Layout(config.name)
    outcomes = {}
    for choice in choices(config, name):
        conditions = {it: condition_of(config, tuning, recipe) for it, recipe in choice.options.items()}
        measured = {it: _measured(config, one, tuning.measure) for it, one in conditions.items()}
        outcomes[choice.name] = measured, choose(measured)
    lines = tuning_lines(config, name, outcomes)
    texts = {
        "csv": lines.to_csv(index=False, lineterminator="\n"),
        "md": markdown.render(present_tuning(config, name, lines, outcomes)),
        "json": json.dumps(tuning_record(config, name, outcomes), indent=2) + "\n",
    }
    for ending, text in texts.items():
        with atomic_file(layout.tuning(name, ending)) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _measured(config: Configuration, one: Condition, measure: str) -> Measured:
    """An option's values by seed; a seed that diverged has none."""
    cells = {seed: one.cell(seed) for seed in config.study.seeds}
    absent = {seed: how for seed, cell in cells.items() if (how := _diverged(cell))}
    values = {
        seed: read_per_query(cell.validation_per_query)[measure]
        for seed, cell in cells.items()
        if seed not in absent
    }
    return Measured(one.recipe, pd.DataFrame(values).T, absent)


def _diverged(cell: Cell) -> str:
    """How a cell's training diverged, as its provenance says; "" where it did not."""
    made = json.loads(cell.provenance.read_text(encoding="utf-8"))
    return made.get("diverged") or ""
