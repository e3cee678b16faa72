"""Checks across the files of config/: what one names, another has."""

from collections.abc import Collection, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sirbench.machine.errors import InputError
from sirbench.study.claim import Claims
from sirbench.study.figure import Figure, Space
from sirbench.study.query_set import HOME
from sirbench.study.reading import suggest, unknown
from sirbench.study.recipe import Recipe
from sirbench.study.study import Study
from sirbench.study.table import Table
from sirbench.study.tuning import Tuning, check_tunings


class Defined(NamedTuple):
    """The studies, and the names that they define."""

    studies: Collection[Study]
    backbones: Collection[str]
    candidates: Collection[str]
    seeds: Collection[str]
    query_sets: Collection[str]


def defined_by(studies: Mapping[str, Study]) -> Defined:
    """What any study defines."""
    return Defined(
        list(studies.values()),
        {name for study in studies.values() for name in study.backbones},
        {name for study in studies.values() for name in study.candidates},
        {str(seed) for study in studies.values() for seed in study.seeds},
        {name for study in studies.values() for name in study.evaluate_on},
    )


def check_together(
    folder: Path,
    studies: Mapping[str, Study] | None,
    recipes: Mapping[str, Recipe],
    tables: Mapping[str, Table],
    figures: Mapping[str, Figure],
    claims: Mapping[str, Claims],
    tunings: Mapping[str, Tuning],
) -> None:
    """Raise `InputError` for a table, figure, claim or tuning that names what no file defines.

    Without `studies`, names that only studies define are not looked at.
    """
    defined = defined_by(studies) if studies is not None else None
    check_tunings(folder, tunings, recipes, studies)
    for name, family in claims.items():
        _check_claims(family, f"{folder}/claims/{name}.yaml", recipes, defined)
    for name, table in tables.items():
        _check_table(table, f"{folder}/tables/{name}.yaml", recipes, defined)
    for name, figure in figures.items():
        path = f"{folder}/figures/{name}.yaml"
        _check_figure(figure, path, tables)
        if figure.space:
            _check_space(figure.space, path, recipes, defined)


def check_targets(
    folder: Path, tables: Collection[str], figures: Collection[str], others: Collection[str]
) -> None:
    """Raise `InputError` for a table or a figure whose name stands for something else: both are targets."""
    for kind, names in (("tables", tables), ("figures", figures)):
        for name in names:
            if name in others:
                raise InputError(
                    f"{folder}/{kind}/{name}.yaml: {name} is a rule of the workflow or a target of make, and "
                    f"{kind} are targets too; rename the file"
                )
    for name in figures:
        if name in tables:
            raise InputError(
                f"{folder}/figures/{name}.yaml: there is a table of this name, and both are targets; "
                "rename the file"
            )


def _known(name: str, known: Collection[str] | None, place: str) -> None:
    """Raise `InputError` unless a study defines the name; where that is not known, all is well."""
    if known is not None and name not in known:
        raise InputError(f"{place}: no study defines {name!r}; {suggest(name, known)}")


def check_sizes(study: Study, study_path: str, recipe: Recipe, recipe_path: str) -> None:
    """Raise `InputError` unless a recipe's levels, scaled to the study, fall and fit into a block.

    It is asked of the recipes that a table or a figure shows: others need not fit every study.
    """
    smallest = min(study.group_sizes, default=float("inf"))
    unscaled = [size for size in recipe.levels if size > smallest and size not in study.group_sizes]
    if unscaled:
        raise InputError(
            f"{study_path}: group_sizes: has no size for {unscaled[0]} of {recipe_path}, which speaks in the "
            f"paper's sizes; add e.g. `{unscaled[0]}: {max(2, unscaled[0] // 4)}`"
        )
    sizes = [study.group_size(size) for size in recipe.levels]
    if any(size < 2 for size in sizes) or any(b >= a for a, b in pairwise(sizes)):
        raise InputError(
            f"{study_path}: group_sizes: turns the levels {recipe.levels} of {recipe_path} into {sizes}; "
            "they must fall strictly and stay at 2 or more"
        )
    if max(sizes, default=0) > study.depth + 1:
        raise InputError(
            f"{recipe_path}: levels: a group of {sizes[0]} is larger than the block can be: the candidates' "
            f"depth of {study.depth} in {study_path} and the positive allow at most {study.depth + 1}"
        )


def shown_recipes(
    tables: Mapping[str, Table], figures: Mapping[str, Figure], claims: Mapping[str, Claims]
) -> list[str]:
    """The recipes of all tables, figures and claims, sorted."""
    of_tables = (table for table in tables.values() if table.of_cells)
    shown = {
        recipe for table in of_tables for row in table.rows for recipe in (table.baseline_of(row), row.recipe)
    }
    shown |= {recipe for figure in figures.values() if figure.space for recipe in figure.space.recipes}
    of_claims = (claim for family in claims.values() for claim in family.claims.values())
    shown |= {side.recipe for claim in of_claims for side in (claim.first, claim.than)}
    return sorted(shown)


def _check_table(table: Table, path: str, recipes: Mapping[str, Recipe], defined: Defined | None) -> None:
    known = list(recipes) if table.of_cells else (defined and defined.candidates)
    if known is not None and table.baseline not in known:
        raise InputError(f"{path}: baseline: {unknown(table.baseline, known)}")
    for number, row in enumerate(table.rows):
        if row.recipe not in recipes:
            raise InputError(f"{path}: rows.{number}.recipe: {unknown(row.recipe, recipes)}")
        _known(row.backbone, defined and defined.backbones, f"{path}: rows.{number}.backbone")
        if row.baseline is not None and row.baseline not in recipes:
            raise InputError(f"{path}: rows.{number}.baseline: {unknown(row.baseline, recipes)}")
        if row.negatives is not None:
            _known(row.negatives, defined and defined.candidates, f"{path}: rows.{number}.negatives")
    for name in table.candidates or []:
        _known(name, defined and defined.candidates, f"{path}: candidates")
    _known(table.query_set, defined and {HOME, *defined.query_sets}, f"{path}: query_set")


def _check_claims(family: Claims, path: str, recipes: Mapping[str, Recipe], defined: Defined | None) -> None:
    for name in family.candidates or []:
        _known(name, defined and defined.candidates, f"{path}: candidates")
    for name, claim in family.claims.items():
        wanted = {claim.first.backbone, claim.than.backbone}
        for key, side in (("better" if claim.better else "equal", claim.first), ("than", claim.than)):
            place = f"{path}: claims.{name}.{key}"
            if side.recipe not in recipes:
                raise InputError(f"{place}.recipe: {unknown(side.recipe, recipes)}")
            _known(side.backbone, defined and defined.backbones, f"{place}.backbone")
        if defined and not any(_can_judge(study, family, wanted) for study in defined.studies):
            on = f" and the candidates {', '.join(family.candidates)}" if family.candidates else ""
            raise InputError(
                f"{path}: claims.{name}: no study has its cells: none has {' and '.join(sorted(wanted))}{on}"
            )


def _can_judge(study: Study, family: Claims, backbones: set[str]) -> bool:
    """Whether a study has the backbones of a claim together, and any of its family's candidates."""
    candidates = family.candidates or study.columns
    return backbones <= study.backbones.keys() and bool(study.candidates.keys() & set(candidates))


def _check_figure(figure: Figure, path: str, tables: Mapping[str, Table]) -> None:
    if figure.table is None:
        return
    if figure.table not in tables:
        raise InputError(f"{path}: table: {unknown(figure.table, tables)}")
    if tables[figure.table].of != figure.draws:
        raise InputError(
            f"{path}: table: {figure.table} is not a table of {figure.draws}, which figures of kind "
            f"{figure.kind} draw"
        )
    shown = tables[figure.table].measures
    for number, measure in enumerate(figure.measures):
        if measure not in shown:
            hint = suggest(measure, shown)
            raise InputError(f"{path}: measures.{number}: {figure.table} does not show {measure}; {hint}")


def _check_space(space: Space, path: str, recipes: Mapping[str, Recipe], defined: Defined | None) -> None:
    for number, recipe in enumerate(space.recipes):
        if recipe not in recipes:
            raise InputError(f"{path}: space.recipes.{number}: {unknown(recipe, recipes)}")
        if not recipes[recipe].trains:
            raise InputError(f"{path}: space.recipes.{number}: {recipe} trains nothing; remove it")
    _known(space.backbone, defined and defined.backbones, f"{path}: space.backbone")
    if space.candidates is not None:
        _known(space.candidates, defined and defined.candidates, f"{path}: space.candidates")
    if isinstance(space.seed, int) and defined and str(space.seed) not in defined.seeds:
        hint = suggest(str(space.seed), defined.seeds)
        raise InputError(f"{path}: space.seed: no study defines {space.seed}; {hint}")
