"""The docstrings of an installed package, read from its files with `ast`; nothing is imported."""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from sirbench.data.documents import normalise
from sirbench.machine.errors import InputError

SUMMARY_WORDS = range(3, 31)
"""Words of a summary. A shorter one ("Constructor.") is not a useful query; a longer one is prose and
stays in the document."""
BODY_WORDS = 10
"""The least number of words of a body. A shorter one ("See `fit`.") cannot be told from similar ones."""

_TEST_FOLDERS = {"test", "tests", "_test", "_tests", "testing"}
_TEST_FILES = re.compile(r"(test(ing)?_.*|.*_test|conftest)\.py")
_UNDERLINE = re.compile(r"\s*([-=~^*#+.])\1{2,}\s*")
_SIGNATURE = re.compile(r"[\w.]+\(.*\)(\s*->.*)?", re.DOTALL)
_SEE_ALSO = re.compile(r"^See Also\s*\n[-=~]{3,}[ \t]*\n(.*?)(?=^\S[^\n]*\n[-=~]{3,}|\Z)", re.I | re.M | re.S)
_ENTRY = re.compile(r"(?::[\w:]+:)?`?[~.]?([A-Za-z_][\w.]*)(?:\(\))?`?")


_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Docstring(NamedTuple):
    """One docstring: its summary, "" if that is not a useful query, and its body."""

    name: str
    """The full name: numpy.linalg._linalg.norm."""
    public_name: str
    """The name without private modules: numpy.linalg.norm."""
    summary: str
    body: str
    see_also: list[str]
    """The names under "See Also", as written."""


def read_docstrings(package: str) -> Iterator[Docstring]:
    """Every docstring of a module, class, function or method of `package`, in a fixed order.

    Test modules and bodies of fewer than `BODY_WORDS` words are left out. Files are in the order of their
    paths, definitions in the order of their lines. Raises InputError if the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"the package {package!r} is not installed; install the version that pyproject.toml pins"
        )
    root = Path(spec.submodule_search_locations[0])
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()):
        relative = path.relative_to(root)
        if _TEST_FOLDERS.intersection(relative.parts) or _TEST_FILES.fullmatch(path.name):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):  # templates, and files for other versions of Python
            continue
        modules = [package, *relative.with_suffix("").parts]
        if modules[-1] == "__init__":
            modules.pop()
        public_modules = [part for part in modules if not part.startswith("_")]
        for name, text in _definitions(tree):
            docstring = _parse(".".join(modules + name), ".".join(public_modules + name), text)
            if len(docstring.body.split()) >= BODY_WORDS:
                yield docstring


def _definitions(node: _Definition | ast.Module, name: Sequence[str] = ()) -> Iterator[tuple[list[str], str]]:
    """Names within the module and docstrings of `node` and what it defines, without inner functions."""
    if text := ast.get_docstring(node):
        yield [*name], text
    if isinstance(node, ast.Module | ast.ClassDef):
        for child in node.body:
            if isinstance(child, _Definition):
                yield from _definitions(child, [*name, child.name])


def _parse(name: str, public_name: str, text: str) -> Docstring:
    see_also = _see_also(text)
    # A tokenizer would make a token of each dash in the lines above and below headings.
    text = "\n".join(line.rstrip() for line in text.splitlines() if not _UNDERLINE.fullmatch(line)).strip()
    first, _, body = text.partition("\n\n")
    if _SIGNATURE.fullmatch(first):  # "norm(x, ord=None)": extension modules begin so
        text = body.strip()
        first, _, body = text.partition("\n\n")
    summary = normalise(first)
    if len(summary.split()) not in SUMMARY_WORDS:
        summary, body = "", text
    return Docstring(name, public_name, summary, normalise(body), see_also)


def _see_also(text: str) -> list[str]:
    """The names in a "See Also" section in numpydoc's format: lines `name, name : description`."""
    section = _SEE_ALSO.search(text)
    if section is None:
        return []
    entries = [line for line in textwrap.dedent(section[1]).splitlines() if line and not line[0].isspace()]
    names = (name.strip() for line in entries for name in re.split(r"\s:\s|:\s|:$", line)[0].split(","))
    return [match[1] for name in names if (match := _ENTRY.fullmatch(name))]
