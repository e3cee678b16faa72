"""One YAML file of config/: a mapping of keys to plain values, whatever the file holds.

Numbers are written as in YAML 1.2 and JSON: to YAML 1.1, `1_0` is ten, `1:30` is ninety, `010` is eight, and
`5e-5` is no number at all. Values that aliases repeat are counted as often as they appear.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from sirbench.machine.errors import InputError

LARGEST = 200_000
"""Bytes of a file. The largest here have 3,000."""

MOST_VALUES = 10_000
"""Values of a file, those counted that aliases repeat: ten lines can stand for a thousand million."""

DEEPEST = 20
"""Levels of nesting; the deepest settings have 5."""

LONGEST = 1000
"""Characters that are repeated of YAML's own messages."""

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of pairs, which no file in UTF-8 can have."""

INTEGERS = range(-(2**63), 2**63)


def read_mapping(path: Path) -> dict[str, Any]:
    """The content of a file; `InputError`, naming the file, for anything but a mapping with strings as keys.

    Refused are, besides what is not YAML: other than regular files, as a pipe would be waited for; tags; keys
    that appear twice; integers of more than 64 bits; characters that are none; values nested so deeply, or
    repeated so often, that no reader could follow.
    """
    if not path.is_file():
        raise InputError(f"{path}: not a regular file")
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: larger than {LARGEST} bytes, which no file of settings is")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:  # Python converts no integers of thousands of digits
        raise InputError(f"{path}: not readable as YAML: {str(error)[:LONGEST]}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a mapping of keys to values")
    _check_values(path, content)
    return content


def _check_values(path: Path, content: dict[Any, Any]) -> None:
    waiting: list[Any] = [content]
    seen = 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise InputError(f"{path}: more than {MOST_VALUES} values; do its aliases repeat each other?")
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, (str, int)) or isinstance(key, bool):
                    raise InputError(
                        f"{path}: the key {str(key)[:80]!r} is neither a word nor a whole number"
                    )
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and (found := UNPRINTABLE.search(value)):
            raise InputError(f"{path}: the character {found[0]!r} in {value[:80]!r} cannot be printed")
        elif isinstance(value, int) and value not in INTEGERS:
            raise InputError(f"{path}: {str(value)[:20]}... is larger than any number here can be")


class _PlainLoader(yaml.composer.Composer, yaml.CSafeLoader):
    """YAML as everywhere, without tags, and with an error for a key that appears twice.

    The first of such keys would be lost in silence. libyaml, which every wheel of PyYAML has, parses in a
    sixth of Python's time; nodes are composed here.
    """

    depth = 0

    def __init__(self, stream: str) -> None:
        yaml.CSafeLoader.__init__(self, stream)
        yaml.composer.Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        if getattr(event, "tag", None) not in (None, "!"):
            raise yaml.composer.ComposerError(
                None, None, f"the tag {event.tag} is not read here; write the value alone", event.start_mark
            )
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.composer.ComposerError(None, None, "a key is a word or a number", key.start_mark)
            if key.value in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key.value!r} appears twice", key.start_mark
                )
            seen.add(key.value)
        return node


_WITHOUT = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"}
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _WITHOUT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
INTEGER = r"[-+]?(0|[1-9][0-9]*)"
FLOAT = (
    r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
for _tag, _pattern in (("int", INTEGER), ("float", FLOAT)):
    _PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list("-+.0123456789")
    )
