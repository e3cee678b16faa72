"""JSON schemas of config/'s files and tables of their keys, from the models and from plug-ins' options."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from sirbench.study.registry import Plugin, Registry

Schema = dict[str, Any]


def schema_of(model: type[BaseModel]) -> Schema:
    """The schema of a file of this model."""
    return model.model_json_schema()


def schema_of_plugins(registry: Registry[Any], key: str) -> Schema:
    """The schema of a file that is one of a folder's plug-ins, which it names under `key`."""
    definitions: Schema = {}
    options = []
    for name in registry.names():
        schema = _with_name(registry.find(name), name, key)
        definitions |= schema.pop("$defs", {})
        options.append(schema)
    whole: Schema = {"oneOf": options}
    return whole | ({"$defs": definitions} if definitions else {})


def choice_of(registry: Registry[Any]) -> Schema:
    """The schema of a key that names a plug-in: `NAME`, or `{name: NAME, OPTION: VALUE}`."""
    named = [_with_name(registry.find(name), name, "name") for name in registry.names()]
    return {"anyOf": [{"enum": registry.names()}, *named]}


def add_options(definition: Schema, key: str, registry: Registry[Any]) -> None:
    """Let a model's `options` be those of the plug-in that it names under `key`."""
    definition["properties"][key]["enum"] = registry.names()
    definition["allOf"] = [
        {
            "if": {"properties": {key: {"const": name}}},
            "then": {"properties": {"options": schema_of(registry.find(name))}},
        }
        for name in registry.names()
    ]


def as_text(schema: Schema) -> str:
    """A schema as it is kept in a file."""
    return json.dumps(schema, indent=2) + "\n"


def key_table(models: Iterable[type[BaseModel]]) -> str:
    """Every key of some models as a Markdown table: the key, what it says, its default."""
    lines = ["| key | what it says | default |", "| --- | --- | --- |"]
    seen: set[str] = set()
    for model in models:
        schema = schema_of(model)
        for key, spec in schema.get("properties", {}).items():
            if key not in seen:
                seen.add(key)
                said = _description(schema, spec)
                lines.append(f"| `{key}` | {said} | {_default(key, spec, schema)} |")
    return "\n".join(lines)


def _with_name(plugin: type[Plugin], name: str, key: str) -> Schema:
    schema = schema_of(plugin)
    properties = {key: {"const": name}, **schema.get("properties", {})}
    return schema | {"properties": properties, "required": [key, *schema.get("required", [])]}


def _description(schema: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """What a key says of itself, or what its own model says; on one line, no cell ended."""
    text = spec.get("description", "")
    if not text and "$ref" in spec:
        text = schema["$defs"][spec["$ref"].rsplit("/", 1)[1]].get("description", "")
    return " ".join(text.split()).replace("|", "\\|")


def _default(key: str, spec: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if key in schema.get("required", []):
        return "must be given"
    value = spec.get("default")
    return f"`{json.dumps(value)}`" if value not in (None, "", [], {}) else "none"
