"""Files of config/ read into their models: a mistake is one `InputError` that names file, key and remedy."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sirbench.machine.errors import InputError
from sirbench.study.settings import check_name
from sirbench.study.yaml_file import read_mapping

ModelT = TypeVar("ModelT", bound=BaseModel)
Chosen = Callable[[dict[str, Any]], tuple[type[ModelT], dict[str, Any]]]
"""The model of a file, by what it says, and what is left for that model to say."""

LONGEST = 600
"""Characters of a message about one key; a file may hold more."""


def read_folder(folder: Path, chosen: Chosen[ModelT]) -> dict[str, ModelT]:
    """Every .yaml file of a folder by its name; `InputError` at the first that is wrong."""
    return {path.stem: read_file(path, chosen) for path in files(folder)}


def read_what_can_be(folder: Path, chosen: Chosen[ModelT]) -> tuple[dict[str, ModelT], dict[str, InputError]]:
    """Every .yaml file of a folder by its name, and those that are wrong with what is wrong."""
    read, wrong = {}, {}
    for path in files(folder):
        try:
            read[path.stem] = read_file(path, chosen)
        except InputError as error:
            wrong[path.stem] = error
    return read, wrong


def files(folder: Path) -> list[Path]:
    """The .yaml files of a folder, hidden ones left out; `InputError` where there is none."""
    paths = sorted(folder.glob("[!.]*.yaml"))
    if not paths:
        raise InputError(f"{folder}/: no .yaml file here; run in the repository's root")
    return paths


def read_file(path: Path, chosen: Chosen[ModelT]) -> ModelT:
    """One file as its model."""
    try:
        check_name(path.stem)
    except ValueError as error:
        raise InputError(f"{path.parent}/: {error}; rename the file") from None
    content = read_mapping(path)
    try:
        model, content = chosen(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [_explain(path, model, content, item) for item in error.errors()]
        raise InputError("\n".join(_shortened(line) for line in lines)) from error


def suggest(name: str, known: Iterable[str]) -> str:
    """What may have been meant by a name, and every name that is allowed."""
    known = sorted(known)
    close = difflib.get_close_matches(name[:100], known, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"allowed: {', '.join(known)}"


def unknown(name: str, known: Iterable[str]) -> str:
    """The words for a name that is not known."""
    return f"unknown name {name!r}; {suggest(name, known)}"


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _explain(path: Path, model: type[BaseModel], content: Any, error: Mapping[str, Any]) -> str:
    """One line of `file: key: what is wrong; what is allowed`."""
    key = ".".join(_keys(content, error["loc"], missing=error["type"] == "missing"))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _fields_at(model, error["loc"][:-1])
        message = f"unknown key; {suggest(str(error['loc'][-1]), known)}"
    elif error["type"] == "missing":
        message = "this key is missing"
    elif not isinstance(error["input"], (dict, list)):
        message = f"{message} (it says {error['input']!r})"
    return f"{path}: {key}: {message}" if key else f"{path}: {message}"


def _keys(content: Any, location: Sequence[str | int], missing: bool) -> Iterator[str]:
    """The keys on the way to a place in a file, without the names of unions' members that pydantic adds.

    Where the last key is `missing`, it is not in the file, but is part of the place.
    """
    for number, part in enumerate(location):
        if isinstance(content, dict) and part in content:
            content = content[part]
        elif isinstance(content, list) and isinstance(part, int):
            content = content[part] if part < len(content) else None
        elif number < len(location) - 1 or not missing:  # the name of a union's member
            continue
        yield str(part)


def _fields_at(model: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """The keys that a model allows at a place in the file, as far as the schema tells."""
    schema = model.model_json_schema()
    here: Mapping[str, Any] = schema
    for part in location:
        here = _resolve(schema, here)
        options = list(_options(schema, here))
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


def _options(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The members of a union, and those of unions within it."""
    for option in node.get("anyOf", node.get("oneOf", [])):
        resolved = _resolve(schema, option)
        yield resolved
        yield from _options(schema, resolved)


def _is_named(option: Mapping[str, Any], part: object) -> bool:
    """Whether pydantic's error location names this member of a union, by its model or its `source`."""
    return part in (option.get("title"), option.get("properties", {}).get("source", {}).get("const"))


def _resolve(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node
