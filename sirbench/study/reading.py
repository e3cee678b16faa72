"""Files of config/ read into their models: a mistake is one `InputError` that names file, key and remedy."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sirbench.machine.errors import InputError

ModelT = TypeVar("ModelT", bound=BaseModel)
Chosen = Callable[[dict[str, Any]], tuple[type[ModelT], dict[str, Any]]]
"""The model of a file, by what it says, and what is left for that model to say."""


def read_folder(folder: Path, chosen: Chosen[ModelT]) -> dict[str, ModelT]:
    """Every .yaml file of a folder by its name; `InputError` where there is none."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise InputError(f"{folder}/: no .yaml file here; run in the repository's root")
    return {path.stem: read_file(path, chosen) for path in paths}


def read_file(path: Path, chosen: Chosen[ModelT]) -> ModelT:
    """One file as its model."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_OneOfEachKey)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a mapping of keys to values")
    try:
        model, content = chosen(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(
            "\n".join(_explain(path, model, content, item) for item in error.errors())
        ) from error


def suggest(name: str, known: Iterable[str]) -> str:
    """What may have been meant by a name, and every name that is allowed."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"allowed: {', '.join(known)}"


def unknown(name: str, known: Iterable[str]) -> str:
    """The words for a name that is not known."""
    return f"unknown name {name!r}; {suggest(name, known)}"


class _OneOfEachKey(yaml.SafeLoader):
    """YAML as everywhere, but for a key that appears twice, of which the first would be lost in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key.value!r} appears twice", key.start_mark
                )
            seen.add(key.value)
        return node


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
        steps_in = part in content if isinstance(content, dict) else isinstance(content, list)
        if steps_in:
            content = content[part]
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
