"""The docstrings of an installed package, read from its files with `ast`; nothing is imported or run."""

import ast
import re
import textwrap
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from sirbench.data.documents import normalise
from sirbench.machine.errors import InputError

# A summary of fewer words ("Constructor.") asks for nothing in particular; a first paragraph of more is prose
# rather than a query, and stays in the document.
SUMMARY_WORDS = range(3, 31)
# A shorter body ("See `fit`.") cannot be told from its neighbours by anyone.
BODY_WORDS = 10

_TEST_FOLDERS = {"test", "tests", "_test", "_tests", "testing"}
_TEST_FILES = re.compile(r"(test(ing)?_.*|.*_test|conftest)\.py")
_UNDERLINE = re.compile(r"\s*([-=~^*#+.])\1{2,}\s*")
_SIGNATURE = re.compile(r"[\w.]+\(.*\)(\s*->.*)?", re.DOTALL)
_SEE_ALSO = re.compile(r"^See Also\s*\n[-=~]{3,}[ \t]*\n(.*?)(?=^\S[^\n]*\n[-=~]{3,}|\Z)", re.I | re.M | re.S)
_ENTRY = re.compile(r"(?::[\w:]+:)?`?[~.]?([A-Za-z_][\w.]*)(?:\(\))?`?")


class Docstring(NamedTuple):
    """One docstring: a summary ("" where there is none worth asking) and the body below it."""

    name: str  # as the language has it: numpy.linalg._linalg.norm
    public_name: str  # without private modules: numpy.linalg.norm
    summary: str
    body: str
    see_also: list[str]  # the names under "See Also", as written


def read_docstrings(package: str) -> Iterator[Docstring]:
    """Every docstring of a module, class, function or method of `package`, test modules left out.

    Files come in the order of their paths, definitions in the order of their lines. Bodies of fewer than
    `BODY_WORDS` words are left out.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"the package {package!r} is not installed here; `pip install` it as pyproject.toml says"
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
        for qualified_name, text in _definitions(tree):
            docstring = _parse(
                ".".join(modules + qualified_name), ".".join(public_modules + qualified_name), text
            )
            if len(docstring.body.split()) >= BODY_WORDS:
                yield docstring


def _definitions(
    node: ast.Module | ast.ClassDef, outer: tuple[str, ...] = ()
) -> Iterator[tuple[list[str], str]]:
    """Names below the module and cleaned docstrings, of `node` and what it defines (no inner functions)."""
    text = ast.get_docstring(node)
    if text:
        yield list(outer), text
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from _definitions(child, (*outer, child.name))
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(child)):
            yield [*outer, child.name], text


def _parse(name: str, public_name: str, text: str) -> Docstring:
    see_also = _see_also(text)
    # Underlines and overlines of headings are no words, and a tokenizer makes a token of each dash.
    text = "\n".join(line.rstrip() for line in text.splitlines() if not _UNDERLINE.fullmatch(line)).strip()
    first, _, body = text.partition("\n\n")
    if _SIGNATURE.fullmatch(first):  # "norm(x, ord=None)", as docstrings of extension modules begin
        text = body.strip()
        first, _, body = text.partition("\n\n")
    summary = normalise(first)
    if len(summary.split()) not in SUMMARY_WORDS:
        summary, body = "", text
    return Docstring(name, public_name, summary, normalise(body), see_also)


def _see_also(text: str) -> list[str]:
    """The names in a "See Also" section of numpydoc's form: lines ``name, name : description``."""
    section = _SEE_ALSO.search(text)
    if section is None:
        return []
    entries = [line for line in textwrap.dedent(section[1]).splitlines() if line and not line[0].isspace()]
    names = (name.strip() for line in entries for name in re.split(r"\s:\s|:\s|:$", line)[0].split(","))
    return [match[1] for name in names if (match := _ENTRY.fullmatch(name))]
