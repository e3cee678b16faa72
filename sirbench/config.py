"""Read config/: every file checked alone and against the others, before any job starts.

A mistake becomes one `InputError` that names the file, the key and what is allowed there.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import yaml
from pydantic import ValidationError

from sirbench.evaluation.measures import parse_measure
from sirbench.machine.errors import InputError
from sirbench.reporting.figures import kind_of
from sirbench.study import Figure, Recipe, Settings, Space, Study, Table

FOLDER = Path("config")
KINDS: dict[str, type[Settings]] = {
    "studies": Study,
    "recipes": Recipe,
    "tables": Table,
    "figures": Figure,
}


@dataclass(frozen=True)
class Configuration:
    """One study with every recipe, table and figure of config/, all of which fit together."""

    name: str
    study: Study
    recipes: Mapping[str, Recipe]
    tables: Mapping[str, Table]
    figures: Mapping[str, Figure]


def load(study: str, folder: Path = FOLDER) -> Configuration:
    """Read a study by name with all the rest of config/; raise `InputError` at the first mistake."""
    studies, recipes, tables, figures = (_load_all(folder, kind) for kind in KINDS)
    if study not in studies:
        raise InputError(f"study: {_unknown(study, studies)} (each is a file in {folder / 'studies'}/)")
    for name, table in tables.items():
        _check_table(table, f"{folder}/tables/{name}.yaml", recipes, studies)
    for name, figure in figures.items():
        _check_figure(figure, name, f"{folder}/figures/{name}.yaml", tables)
        if figure.space:
            _check_space(figure.space, f"{folder}/figures/{name}.yaml", recipes, studies)
    config = Configuration(study, studies[study], recipes, tables, figures)
    for name in recipes:
        if name in _shown_recipes(config):
            check_sizes(config, name, folder)
    return config


def study_names(folder: Path = FOLDER) -> list[str]:
    """The names of all studies."""
    return sorted(path.stem for path in (folder / "studies").glob("*.yaml"))


def schemas() -> dict[str, str]:
    """File name to content of the JSON schemas of studies, recipes, tables and figures, for editors."""
    return {
        f"{model.__name__.lower()}.json": json.dumps(model.model_json_schema(), indent=2) + "\n"
        for model in KINDS.values()
    }


def _load_all(folder: Path, kind: str) -> dict[str, Settings]:
    paths = sorted((folder / kind).glob("*.yaml"))
    if not paths:
        raise InputError(f"{folder / kind}/: no .yaml file here; run in the repository's root")
    return {path.stem: _load(path, KINDS[kind]) for path in paths}


def _load(path: Path, model: type[Settings]) -> Settings:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_OneOfEachKey)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {error}") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(
            "\n".join(_explain(path, model, content, item) for item in error.errors())
        ) from error


class _OneOfEachKey(yaml.SafeLoader):
    """YAML as everywhere, but for a key that stands twice, of which the first would be lost in silence."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"{key.value!r} stands there twice", key.start_mark
                )
            seen.add(key.value)
        return node


def _explain(path: Path, model: type[Settings], content: object, error: Mapping) -> str:
    """One line of `file: key: what is wrong; what is allowed`."""
    key = ".".join(_keys(content, error["loc"], missing=error["type"] == "missing"))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _fields_at(model, error["loc"][:-1])
        message = f"unknown key; {_suggest(str(error['loc'][-1]), known)}"
    elif error["type"] == "missing":
        message = "this key is missing"
    elif not isinstance(error["input"], (dict, list)):
        message = f"{message} (it says {error['input']!r})"
    return f"{path}: {key}: {message}" if key else f"{path}: {message}"


def _keys(content: object, location: Sequence, missing: bool) -> Iterator[str]:
    """The keys on the way to a place in a file, without the names of unions' members that pydantic adds.

    Where the last key is `missing`, it is not in the file and is no such name all the same.
    """
    for number, part in enumerate(location):
        steps_in = part in content if isinstance(content, dict) else isinstance(content, list)
        if steps_in:
            content = content[part]
        elif number < len(location) - 1 or not missing:  # the name of a union's member
            continue
        yield str(part)


def _fields_at(model: type[Settings], location: Iterable) -> list[str]:
    """The keys that a model allows at a place in the file, as far as the schema tells."""
    schema = model.model_json_schema()
    here: Mapping = schema
    for part in location:
        here = _resolve(schema, here)
        options = [_resolve(schema, option) for option in here.get("anyOf", here.get("oneOf", []))]
        named = [option for option in options if _is_named(option, part)]
        if named:
            here = named[0]
        elif isinstance(part, int):
            here = here.get("items", {})
        else:
            here = here.get("properties", {}).get(part) or here.get("additionalProperties", {})
    here = _resolve(schema, here)
    members = [here, *(_resolve(schema, option) for option in here.get("anyOf", []))]
    return sorted({key for member in members for key in member.get("properties", {})})


def _is_named(option: Mapping, part: object) -> bool:
    """Whether pydantic's error location names this member of a union, by its model or its `source`."""
    return part in (option.get("title"), option.get("properties", {}).get("source", {}).get("const"))


def _resolve(schema: Mapping, node: Mapping) -> Mapping:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def check_sizes(config: Configuration, name: str, folder: Path = FOLDER) -> None:
    """Raise `InputError` unless a recipe's levels, scaled to the study, fall and fit into a block.

    `load` asks it of the recipes that a table or a figure shows: others need not fit every study.
    """
    study, recipe = config.study, config.recipes[name]
    recipe_path, study_path = f"{folder}/recipes/{name}.yaml", f"{folder}/studies/{config.name}.yaml"
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
    if sizes[0] > study.depth + 1:
        raise InputError(
            f"{recipe_path}: levels: a group of {sizes[0]} is larger than the block can be: the candidates' "
            f"depth of {study.depth} in {study_path} and the positive allow at most {study.depth + 1}"
        )


def _shown_recipes(config: Configuration) -> set[str]:
    of_tables = (table for table in config.tables.values() if table.of == "cells")
    shown = {
        recipe for table in of_tables for recipe in (table.baseline, *(row.recipe for row in table.rows))
    }
    return shown | {it for figure in config.figures.values() if figure.space for it in figure.space.recipes}


def _check_table(
    table: Table, path: str, recipes: Mapping[str, Recipe], studies: Mapping[str, Study]
) -> None:
    backbones = {name for study in studies.values() for name in study.backbones}
    candidates = {name for study in studies.values() for name in study.candidates}
    known = candidates if table.of == "candidates" else recipes
    if table.baseline not in known:
        raise InputError(f"{path}: baseline: {_unknown(table.baseline, known)}")
    for number, row in enumerate(table.rows):
        if row.recipe not in recipes:
            raise InputError(f"{path}: rows.{number}.recipe: {_unknown(row.recipe, recipes)}")
        if row.backbone not in backbones:
            hint = _suggest(row.backbone, backbones)
            raise InputError(f"{path}: rows.{number}.backbone: no study defines {row.backbone!r}; {hint}")
    for number, measure in enumerate(table.measures):
        try:
            parse_measure(measure)
        except InputError as error:
            raise InputError(f"{path}: measures.{number}: {error}") from None
    for name in table.candidates or []:
        if name not in candidates:
            raise InputError(f"{path}: candidates: no study defines {name!r}; {_suggest(name, candidates)}")


def _check_figure(figure: Figure, name: str, path: str, tables: Mapping[str, Table]) -> None:
    if name in tables:
        raise InputError(f"{path}: there is a table of this name, and both are targets; rename the file")
    for key in kind_of(figure).NEEDS:
        if not getattr(figure, key):
            raise InputError(f"{path}: {key}: this key is missing, which kind {figure.kind} needs")
    if figure.table is None:
        return
    if figure.table not in tables:
        raise InputError(f"{path}: table: {_unknown(figure.table, tables)}")
    if tables[figure.table].of != "cells":
        raise InputError(f"{path}: table: {figure.table} is no table of cells, which figures draw")
    shown = tables[figure.table].measures
    for number, measure in enumerate(figure.measures):
        if measure not in shown:
            hint = _suggest(measure, shown)
            raise InputError(f"{path}: measures.{number}: {figure.table} does not show {measure}; {hint}")


def _check_space(
    space: Space, path: str, recipes: Mapping[str, Recipe], studies: Mapping[str, Study]
) -> None:
    for number, recipe in enumerate(space.recipes):
        if recipe not in recipes:
            raise InputError(f"{path}: space.recipes.{number}: {_unknown(recipe, recipes)}")
    defined = {
        "backbone": {name for study in studies.values() for name in study.backbones},
        "candidates": {name for study in studies.values() for name in study.candidates},
        "seed": {seed for study in studies.values() for seed in study.seeds},
    }
    for key, known in defined.items():
        value = getattr(space, key)
        if value is not None and value not in known:
            hint = _suggest(str(value), map(str, known))
            raise InputError(f"{path}: space.{key}: no study defines {value!r}; {hint}")


def _unknown(name: str, known: Iterable[str]) -> str:
    return f"unknown name {name!r}; {_suggest(name, known)}"


def _suggest(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"allowed: {', '.join(known)}"
