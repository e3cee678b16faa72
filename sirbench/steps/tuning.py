"""Verb `tune`: what is best on validation queries, in print and for machines. It reads no dev query."""

import json

import pandas as pd

from sirbench.evaluation.choosing import choose
from sirbench.evaluation.claims.measured import Measured
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Condition
from sirbench.jobs.held_out import check_validation
from sirbench.jobs.layout import Layout
from sirbench.jobs.tuning import choices, condition_of, seeds_of
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.tables import markdown
from sirbench.reporting.tuning import present_tuning, tuning_lines, tuning_record
from sirbench.study import Tuning


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
        measured = {it: _measured(config, one, tuning) for it, one in conditions.items()}
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


def _measured(config: Configuration, one: Condition, tuning: Tuning) -> Measured:
    """An option's values by seed; a seed that diverged has none."""
    cells = {seed: one.cell(seed) for seed in seeds_of(config, tuning)}
    absent = {seed: how for seed, cell in cells.items() if (how := cell.diverged)}
    values = {
        seed: read_per_query(cell.validation_per_query)[tuning.measure]
        for seed, cell in cells.items()
        if seed not in absent
    }
    return Measured(one.recipe, pd.DataFrame(values).T, absent)
