"""config/ read with all plug-ins that its files may name: everything is checked before any job starts."""

import re
from collections.abc import Iterable, Iterator, Mapping
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
    Collection,
    FirstStage,
    OwnCollection,
    PretrainedBackbone,
    Registry,
    Settings,
    Study,
    Table,
    Tuning,
    checks,
    reading,
)

FOLDER = Path("config")


Parts = dict[str, Any]
"""Everything of config/ but studies, by the names of `Configuration`'s fields."""


def load(study: str, folder: Path = FOLDER) -> Configuration:
    """Read a study by name with all the rest of config/; raise `InputError` at the first mistake.

    A mistake in another study is not this one's business: `check_all` finds it.
    """
    return _fitting(study, folder, *_studies(folder), _parts(folder))


def check_all(folder: Path = FOLDER) -> tuple[list[Configuration], dict[str, InputError]]:
    """Every study that fits the rest of config/, and those that do not, with what is wrong."""
    studies, wrong = _studies(folder)
    parts, fitting, errors = _parts(folder), [], dict(wrong)
    for name in studies:
        try:
            fitting.append(_fitting(name, folder, studies, wrong, parts))
        except InputError as error:
            errors[name] = error
    return fitting, errors


def _studies(folder: Path) -> tuple[dict[str, Study], dict[str, InputError]]:
    """Every study that can be read and whose plug-ins are there, and what is wrong with the others."""
    studies, wrong = reading.read_what_can_be(folder / "studies", lambda content: (Study, content))
    for name in list(studies):
        try:
            _check_plugins(studies[name], f"{folder}/studies/{name}.yaml")
        except InputError as error:
            del studies[name]
            wrong[name] = error
    return studies, wrong


def _parts(folder: Path) -> Parts:
    """Recipes, tables, figures and claims, each read, and with names that nothing else has."""
    parts: Parts = {
        "recipes": reading.read_folder(folder / "recipes", _by("strategy", STRATEGIES)),
        "tables": reading.read_folder(folder / "tables", lambda content: (Table, content)),
        "figures": reading.read_folder(folder / "figures", _by("kind", KINDS)),
        "claims": reading.read_folder(folder / "claims", lambda content: (Claims, content)),
        "tunings": reading.read_folder(folder / "tuning", lambda content: (Tuning, content)),
    }
    for name, table in parts["tables"].items():
        _check_measures(table.measures, f"{folder}/tables/{name}.yaml")
    for name, family in parts["claims"].items():
        _check_measures([family.measure], f"{folder}/claims/{name}.yaml")
    for name, tuning in parts["tunings"].items():
        _check_measures([tuning.measure], f"{folder}/tuning/{name}.yaml")
    checks.check_targets(folder, parts["tables"], parts["figures"], _other_targets(folder.parent))
    return parts


def _fitting(
    study: str, folder: Path, studies: Mapping[str, Study], wrong: Mapping[str, InputError], parts: Parts
) -> Configuration:
    """The study with all parts; `InputError` where they do not fit together."""
    if study in wrong:
        raise wrong[study]
    if study not in studies:
        known = reading.unknown(study, [*studies, *wrong])
        raise InputError(f"study: {known} (each is a file in {folder / 'studies'}/)")
    # What a study that cannot be read defines is not known.
    checks.check_together(folder, None if wrong else studies, **parts)
    config = Configuration(study, studies[study], **parts | {"tunings": _tunings(studies[study], parts)})
    tuned = {recipe for tuning in config.tunings.values() for recipe in tuning.recipes}
    _register_collection(config.study)
    for recipe in sorted({*checks.shown_recipes(config.tables, config.figures, config.claims), *tuned}):
        check_sizes(config, recipe, folder)
    return config


def _tunings(study: Study, parts: Parts) -> dict[str, Tuning]:
    """All tunings, those of learning rates with the study's own grid."""
    own: dict[str, object] = {"learning_rates": study.learning_rate_grid}
    tunings: dict[str, Tuning] = parts["tunings"]
    return {
        name: it.model_copy(update=own) if it.learning_rates and study.learning_rate_grid else it
        for name, it in tunings.items()
    }


def _other_targets(root: Path) -> set[str]:
    """What else `snakemake NAME` and `make NAME` may mean: rules of the workflow, targets of the Makefile."""
    rules = [*sorted((root / "workflow").rglob("*.smk")), root / "workflow" / "Snakefile"]
    sources = [(path, r"^\s*(?:use rule \w+ as|rule) (\w+)") for path in rules]
    sources.append((root / "Makefile", r"^([a-z]+):(?!=)"))
    return {
        name
        for path, pattern in sources
        if path.is_file()
        for name in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def check_sizes(config: Configuration, recipe: str, folder: Path = FOLDER) -> None:
    """Raise `InputError` unless a recipe fits the study; `load` asks it of those that are shown anywhere."""
    paths = f"{folder}/studies/{config.name}.yaml", f"{folder}/recipes/{recipe}.yaml"
    checks.check_sizes(config.study, paths[0], config.trained[recipe], paths[1])


def study_names(folder: Path = FOLDER) -> list[str]:
    """The names of all studies."""
    return sorted(path.stem for path in (folder / "studies").glob("*.yaml"))


def _register_collection(study: Study) -> None:
    """Let ir_datasets know the collections that it does not have."""
    further = [spec.collection for spec in study.evaluate_on.values()]
    new = [
        *([] if isinstance(study.collection, Collection) else [study.collection]),
        *(it for it in further if isinstance(it, OwnCollection)),
    ]
    if new:
        # Imported here, since ir_datasets takes a second that most readings of config/ do without.
        from sirbench.data.own_collections import register

        for collection in new:
            register(collection)


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
                    reads_queries = objective(backbone, each).reads_queries
                if reads_queries and study.collection.folds:
                    raise InputError(
                        f"{path}: backbones.{name}.objectives: {each} learns from training queries, and of "
                        "folds every query is evaluated on, too; remove it, or divide by `split: {dev: 0.2}`"
                    )


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
