"""Options that verbs share, and the check that a study knows what they name."""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from sirbench.config import check_sizes, load
from sirbench.data.numbers import whole_number
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Evaluation
from sirbench.machine.errors import InputError
from sirbench.study import HOME

StudyOption = Annotated[str, typer.Option("--study", help="Name of a file in config/studies/.")]
CandidatesOption = Annotated[str, typer.Option("--candidates", help="Candidates of the study, e.g. bm25.")]
OneOfThemOption = Annotated[
    str | None, typer.Option("--candidates", help="Some candidates only; all of the study's if not given.")
]
BackboneOption = Annotated[str, typer.Option("--backbone", help="Backbone of the study, e.g. bert.")]
RecipeOption = Annotated[str, typer.Option("--recipe", help="Name of a file in config/recipes/.")]
SeedOption = Annotated[
    int, typer.Option("--seed", parser=whole_number, metavar="INTEGER", help="Seed of the cell.")
]

FoldOption = Annotated[
    int | None,
    typer.Option(
        "--fold", parser=whole_number, metavar="INTEGER", help="Fold of the cell, where the study has folds."
    ),
]


OnOption = Annotated[
    str, typer.Option("--on", help="The study's own queries (dev), or a further set of its evaluate_on.")
]
RerankedOption = Annotated[
    str | None,
    typer.Option("--reranked", help="Candidates to re-rank; if not given, those of --candidates."),
]


class Measured(StrEnum):
    """The queries that cells are measured on."""

    dev = "dev"
    validation = "validation"


SplitOption = Annotated[
    Measured, typer.Option("--split", help="On which queries: choices are made on validation.")
]


def cell_of(study: str, candidates: str, backbone: str, recipe: str, seed: int) -> tuple[Configuration, Cell]:
    """The study and the cell, once the study knows every name of it."""
    config = with_candidates(study, candidates)
    check_known(backbone, "--backbone", config.study.backbones, study)
    check_known(recipe, "--recipe", config.trained, study)
    check_sizes(config, recipe)
    if seed not in (seeds := config.seeds(recipe)):
        raise InputError(f"--seed: study {study} has no seed {seed} of {recipe}; allowed: {seeds}")
    return config, Cell(study, candidates, backbone, recipe, seed)


def trained_of(
    study: str, candidates: str, backbone: str, recipe: str, seed: int, fold: int | None
) -> tuple[Configuration, Cell]:
    """The study and the cell that has one model: that of a fold where the study has folds."""
    config, cell = cell_of(study, candidates, backbone, recipe, seed)
    check_fold(config, fold)
    return config, replace(cell, fold=fold)


def check_fold(config: Configuration, fold: int | None) -> None:
    """Raise `InputError` unless a fold is named where the study has folds, and only there."""
    known = config.study.collection.folds
    if fold not in (known or (None,)):
        allowed = ", ".join(map(str, known)) or "none, so leave it out"
        raise InputError(f"--fold: study {config.name} has no fold {fold}; allowed: {allowed}")


def evaluation_of(
    study: str,
    candidates: str,
    backbone: str,
    recipe: str,
    seed: int,
    fold: int | None,
    split: Measured,
    on: str,
    reranked: str | None,
) -> tuple[Configuration, Evaluation]:
    """The study and what a cell is evaluated on, once the study knows every name of it."""
    config, cell = trained_of(study, candidates, backbone, recipe, seed, fold)
    check_known(on, "--on", [HOME, *config.study.evaluate_on], study)
    if reranked is not None:
        check_known(reranked, "--reranked", config.study.candidates, study)
    evaluation = Evaluation(cell, on, reranked or candidates)
    if split == Measured.validation and not evaluation.is_own:
        raise InputError("--split: choices on validation queries re-rank a cell's own candidates only")
    return config, evaluation


def with_candidates(study: str, candidates: str | None, on: str = HOME) -> Configuration:
    """The study on its own queries or a further set, once it knows these and the candidates."""
    config = with_queries(study, on)
    if candidates is not None:
        check_known(candidates, "--candidates", config.study.candidates, study)
    return config


def with_backbone(study: str, backbone: str, on: str = HOME) -> Configuration:
    """The study on its own queries or a further set, once it knows these and the backbone."""
    config = with_queries(study, on)
    check_known(backbone, "--backbone", config.study.backbones, study)
    return config


def with_queries(study: str, on: str) -> Configuration:
    """The study on its own queries or a further set, once it knows these."""
    config = load(study)
    check_known(on, "--on", [HOME, *config.study.evaluate_on], study)
    return config.at(on)


def check_known(name: str, option: str, allowed: Iterable[str], study: str) -> None:
    """Raise `InputError` for a name that is not allowed here."""
    if name not in allowed:
        known = ", ".join(allowed) or "none"
        raise InputError(f"{option}: {name!r} is unknown in study {study}; allowed: {known}")
