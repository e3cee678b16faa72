"""What a study chooses on its validation queries: options, the cells that they take, what was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Condition
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.study import Tuning


@dataclass(frozen=True)
class Choice:
    """One thing to choose: by name of each option, the recipe that it is measured with."""

    name: str
    """The family whose learning rate it is, or the tuning."""
    options: Mapping[str, str]


def applying(config: Configuration) -> list[str]:
    """The tunings of config/tuning/ about a backbone and candidates that the study has."""
    study = config.study
    return [
        name
        for name, tuning in config.tunings.items()
        if tuning.backbone in study.backbones and candidates_of(config, tuning) in study.candidates
    ]


def candidates_of(config: Configuration, tuning: Tuning) -> str:
    """The candidates that a tuning re-ranks."""
    return tuning.candidates or config.study.trained_on(config.study.columns[0])


def choices(config: Configuration, name: str) -> list[Choice]:
    """What a tuning chooses: a learning rate for each family, or one of its recipes."""
    tuning = config.tunings[name]
    if tuning.learning_rates is None:
        return [Choice(name, {recipe: recipe for recipe in tuning.recipes})]
    return [
        Choice(
            config.recipes[recipe].family,
            {f"{one.learning_rate:g}": one.name for one in tuning.graded if one.recipe == recipe},
        )
        for recipe in tuning.recipes
    ]


def condition_of(config: Configuration, tuning: Tuning, recipe: str) -> Condition:
    """What is measured of an option."""
    return Condition(config.name, candidates_of(config, tuning), tuning.backbone, recipe)


def seeds_of(config: Configuration, tuning: Tuning) -> list[int]:
    """The seeds that every option of a tuning is trained with."""
    return config.study.seeds[: tuning.seeds]


def cells(config: Configuration, name: str) -> list[Cell]:
    """Every cell that a tuning measures."""
    tuning = config.tunings[name]
    return [
        condition_of(config, tuning, recipe).cell(seed)
        for choice in choices(config, name)
        for recipe in choice.options.values()
        for seed in config.seeds(recipe)[: tuning.seeds]
    ]


def measures(config: Configuration) -> list[str]:
    """What cells are evaluated by on validation queries: as on dev queries, and as choices are made by."""
    return list(dict.fromkeys([*needs.measures(config), *(it.measure for it in config.tunings.values())]))


def unheeded(config: Configuration) -> list[str]:
    """A sentence for each learning rate that the study sets otherwise than was chosen for it."""
    study, warnings = config.study, []
    for name in applying(config):
        path = Layout(config.name).tuning(name, "json")
        if config.tunings[name].learning_rates is None or not path.exists():
            continue
        for family, chosen in _choices(path).items():
            said = study.learning_rates.get(family, study.training.learning_rate)
            if chosen["chosen"] is not None and f"{said:g}" != chosen["chosen"]:
                warnings.append(
                    f"config/studies/{config.name}.yaml: learning_rates.{family}: {said:g} is used, while "
                    f"{path} chose {chosen['chosen']}"
                )
    return warnings


def _choices(path: Path) -> dict[str, dict[str, Any]]:
    """What was chosen for each family; `InputError` for a file that `sirbench tune` did not write."""
    choices = read_object(path).get("choices")
    if isinstance(choices, dict) and all("chosen" in it for it in choices.values() if isinstance(it, dict)):
        return {name: it for name, it in choices.items() if isinstance(it, dict)}
    raise InputError(f"{path}: not a choice that `sirbench tune` made; remove it to choose again")
