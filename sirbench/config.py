"""config/ read with all plug-ins that its files may name: everything is checked before any job starts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sirbench.backbones.objectives import OBJECTIVES, objective
from sirbench.evaluation.measures import parse_measure
from sirbench.firststage import FIRST_STAGES, first_stage
from sirbench.jobs.configuration import Configuration
from sirbench.machine.errors import InputError
from sirbench.reporting.figures import KINDS
from sirbench.strategies import STRATEGIES
from sirbench.study import (
    Claims,
    FirstStage,
    PretrainedBackbone,
    Registry,
    Settings,
    Study,
    Table,
    Tuning,
    checks,
    reading,
)
from sirbench.study.tuning import check_tunings

FOLDER = Path("config")


def load(study: str, folder: Path = FOLDER) -> Configuration:
    """Read a study by name with all the rest of config/; raise `InputError` at the first mistake."""
    studies = reading.read_folder(folder / "studies", lambda content: (Study, content))
    recipes = reading.read_folder(folder / "recipes", _by("strategy", STRATEGIES))
    tables = reading.read_folder(folder / "tables", lambda content: (Table, content))
    figures = reading.read_folder(folder / "figures", _by("kind", KINDS))
    claims = reading.read_folder(folder / "claims", lambda content: (Claims, content))
    tunings = reading.read_folder(folder / "tuning", lambda content: (Tuning, content))
    if study not in studies:
        raise InputError(
            f"study: {reading.unknown(study, studies)} (each is a file in {folder / 'studies'}/)"
        )
    for name, each in studies.items():
        _check_plugins(each, f"{folder}/studies/{name}.yaml")
    for name, table in tables.items():
        _check_measures(table.measures, f"{folder}/tables/{name}.yaml")
    for name, family in claims.items():
        _check_measures([family.measure], f"{folder}/claims/{name}.yaml")
    for name, tuning in tunings.items():
        _check_measures([tuning.measure], f"{folder}/tuning/{name}.yaml")
    checks.check_together(folder, studies, recipes, tables, figures, claims)
    check_tunings(folder, tunings, recipes, studies)
    config = Configuration(study, studies[study], recipes, tables, figures, claims, tunings)
    tuned = {recipe for tuning in tunings.values() for recipe in tuning.recipes}
    for recipe in sorted({*checks.shown_recipes(tables, figures, claims), *tuned}):
        check_sizes(config, recipe, folder)
    return config


def check_sizes(config: Configuration, recipe: str, folder: Path = FOLDER) -> None:
    """Raise `InputError` unless a recipe fits the study; `load` asks it of those that are shown anywhere."""
    paths = f"{folder}/studies/{config.name}.yaml", f"{folder}/recipes/{recipe}.yaml"
    checks.check_sizes(config.study, paths[0], config.trained[recipe], paths[1])


def study_names(folder: Path = FOLDER) -> list[str]:
    """The names of all studies."""
    return sorted(path.stem for path in (folder / "studies").glob("*.yaml"))


def _check_plugins(study: Study, path: str) -> None:
    """Raise `InputError` for what names a plug-in that there is not, or does not fit it."""
    for family in study.learning_rates:
        with _at(f"{path}: learning_rates"):
            STRATEGIES.find(family)
    for name, spec in study.candidates.items():
        if isinstance(spec, FirstStage):
            place = f"{path}: candidates.{name}"
            with _at(f"{place}.first_stage"):
                FIRST_STAGES.find(spec.first_stage)
            with _at(f"{place}.options"):
                made = first_stage(spec)
            with _at(place):
                made.check(spec)
    for name, backbone in study.backbones.items():
        if isinstance(backbone, PretrainedBackbone):
            for each in backbone.objectives:
                with _at(f"{path}: backbones.{name}.objectives"):
                    OBJECTIVES.find(each)
                with _at(f"{path}: backbones.{name}.options.{each}"):
                    objective(backbone, each)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Say of an `InputError` within the block which file and key it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _by(key: str, registry: Registry[Any]) -> reading.Chosen[Any]:
    """A file's model is the plug-in that it names under `key`."""

    def chosen(content: dict[str, Any]) -> tuple[type[Settings], dict[str, Any]]:
        if key not in content:
            raise InputError(f"{key}: this key is missing; allowed: {', '.join(registry.names())}")
        try:
            model = registry.find(str(content[key]))
        except InputError as error:
            raise InputError(f"{key}: {error}") from None
        return model, {name: value for name, value in content.items() if name != key}

    return chosen


def _check_measures(measures: Iterable[str], path: str) -> None:
    for number, measure in enumerate(measures):
        try:
            parse_measure(measure)
        except InputError as error:
            raise InputError(f"{path}: measures.{number}: {error}") from None
