"""PyDocs: real text without a download, from the docstrings of packages that the suite depends on.

A document is the body of a docstring; its summary line is a query whose only positive is that body; "See
Also" entries are links between documents. `build` writes a collection into a folder of `data_home()`.
Importing this module registers with ir_datasets: `pydocs` (documents), `pydocs/train` and `pydocs/dev` (with
queries and qrels), and likewise `pydocs-sliver`, which is small enough for the test suite.
"""

import hashlib
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ir_datasets
from ir_datasets.formats import BaseDocs, BaseQrels, BaseQueries, GenericDoc, GenericQuery, TrecQrel
from ir_datasets.indices import PickleLz4FullStore
from tqdm import tqdm

from sirbench.data.docstrings import Docstring, read_docstrings
from sirbench.data.documents import Document, fingerprint
from sirbench.data.lines import numbered_lines, write_lines
from sirbench.machine.atomic import atomic_folder
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object

PACKAGES = {
    "pydocs": {
        "matplotlib": "matplotlib",
        "networkx": "networkx",
        "numpy": "numpy",
        "pandas": "pandas",
        "scipy": "scipy",
        "sklearn": "scikit-learn",
        "statsmodels": "statsmodels",
        "sympy": "sympy",
        "torch": "torch",
        "transformers": "transformers",
    },
    "pydocs-sliver": {"networkx": "networkx"},
}
"""The packages of each collection: names to import, and names to install, which pyproject.toml pins."""
SPLITS = ("train", "dev")
_DEV_SHARE = 10
"""One query in this many is a dev query."""


def data_home() -> Path:
    """The folder of built collections: the environment variable SIRBENCH_DATA, or ./data."""
    return Path(os.environ.get("SIRBENCH_DATA", "data"))


def build(name: str, folder: Path) -> dict[str, Any]:
    """Build the collection `name` in `folder`; the result is its description, as in collection.json.

    The files are documents.jsonl.gz, {train,dev}.queries.tsv, {train,dev}.qrels, links.tsv (ids of a document
    and of one that it links to) and collection.json (fingerprint, package versions, counts). They depend only
    on the versions of the packages. If `folder` has a collection with another fingerprint, a warning on
    stderr names both before it is replaced.
    """
    packages = PACKAGES[name]
    docstrings = [
        docstring
        for package in tqdm(packages, f"docstrings of {name}", unit=" packages", delay=2)
        for docstring in read_docstrings(package)
    ]
    documents = _distinct(docstrings)
    queries = _queries(documents)
    links = sorted(_links(documents))
    description = {
        "name": name,
        "fingerprint": fingerprint(Document(doc_id, entry.body) for doc_id, entry in documents.items()),
        # Without the local part: torch 2.13.0+cpu and 2.13.0 have the same Python files.
        "versions": {package: version(wheel).partition("+")[0] for package, wheel in packages.items()},
        "documents": len(documents),
        "queries": {split: len(queries[split]) for split in SPLITS},
        "links": len(links),
    }
    _report_change(folder, description)
    with atomic_folder(folder) as temporary:
        rows = ({"doc_id": doc_id, "text": entry.body} for doc_id, entry in documents.items())
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        write_lines(temporary / "documents.jsonl.gz", lines)
        for split in SPLITS:
            write_lines(temporary / f"{split}.queries.tsv", map("\t".join, queries[split].items()))
            write_lines(temporary / f"{split}.qrels", (f"{name} 0 {name} 1" for name in queries[split]))
        write_lines(temporary / "links.tsv", map("\t".join, links))
        write_lines(temporary / "collection.json", [json.dumps(description, indent=2)])
    return description


def _distinct(docstrings: Iterable[Docstring]) -> dict[str, Docstring]:
    """Documents by id, without bodies that occur more than once: it would be unclear which is the positive.

    The id is the public name, or the full name if several documents share the public one.
    """
    by_name: dict[str, Docstring] = {}
    for docstring in docstrings:
        by_name.setdefault(docstring.name, docstring)
    bodies = Counter(docstring.body for docstring in by_name.values())
    public = Counter(docstring.public_name for docstring in by_name.values())
    return {
        name if public[docstring.public_name] > 1 else docstring.public_name: docstring
        for name, docstring in by_name.items()
        if bodies[docstring.body] == 1
    }


def _queries(documents: dict[str, Docstring]) -> dict[str, dict[str, str]]:
    """The summaries that occur once, by split and id of their document; a hash of the id gives the split."""
    uses = Counter(docstring.summary.casefold() for docstring in documents.values())
    queries: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
    for doc_id, docstring in documents.items():
        if docstring.summary and uses[docstring.summary.casefold()] == 1:
            is_dev = int.from_bytes(hashlib.sha256(doc_id.encode()).digest()) % _DEV_SHARE == 0
            queries["dev" if is_dev else "train"][doc_id] = docstring.summary
    return queries


def _links(documents: dict[str, Docstring]) -> set[tuple[str, str]]:
    """(source id, target id) for each "See Also" entry that names a document.

    A name is looked up like a name in Python, in the innermost scope first; a name that is not found there
    means the only document of the package whose id ends with it.
    """
    endings: dict[tuple[str, str], list[str]] = defaultdict(list)
    for doc_id in documents:
        package, *parts = doc_id.split(".")
        for start in range(len(parts)):
            endings[package, ".".join(parts[start:])].append(doc_id)

    def resolve(source: str, name: str) -> str | None:
        scope = source.split(".")
        candidates = [".".join([*scope[:depth], name]) for depth in range(len(scope) - 1, -1, -1)]
        same_ending = endings[scope[0], name]
        return next(
            filter(documents.__contains__, candidates), same_ending[0] if len(same_ending) == 1 else None
        )

    targets = (
        (doc_id, resolve(doc_id, name))
        for doc_id, docstring in documents.items()
        for name in docstring.see_also
    )
    return {(source, target) for source, target in targets if target is not None and target != source}


def _report_change(folder: Path, new: dict[str, Any]) -> None:
    try:
        old = read_object(folder / "collection.json")
    except InputError:  # there is none, or a damaged one, which is replaced
        return
    if old.get("fingerprint") != new["fingerprint"]:
        print(
            f"warning: {folder} changes: results made with the old collection are no longer comparable\n"
            f"  old {old.get('fingerprint')} from {old.get('versions')}\n"
            f"  new {new['fingerprint']} from {new['versions']}",
            file=sys.stderr,
        )


class _Handler:
    """A reader of a file of a built collection, which need not exist when the collection is registered."""

    def __init__(self, name: str, file: str) -> None:
        super().__init__()
        self.name, self.file = name, file

    def path(self) -> Path:
        path = data_home() / self.name / self.file
        if not path.exists():
            raise InputError(
                f"{self.name} is not built: there is no {path}; `sirbench pydocs {self.name}` builds it "
                "(SIRBENCH_DATA sets the folder)"
            )
        return path


class _Documents(_Handler, BaseDocs):  # type: ignore[misc]  # ir_datasets has no types
    def docs_iter(self) -> Iterator[GenericDoc]:
        return (GenericDoc(**json.loads(line)) for _, line in numbered_lines(self.path()))

    def docs_count(self) -> int:
        path = self.path().with_name("collection.json")
        count = read_object(path).get("documents")
        if not isinstance(count, int) or count < 0:
            raise InputError(
                f"{path}: documents: {count!r} is no number of documents; build {self.name} again"
            )
        return count

    def docs_store(self, field: str = "doc_id") -> PickleLz4FullStore:
        path = self.path().with_name("documents.pklz4")
        return PickleLz4FullStore(str(path), self.docs_iter, GenericDoc, field, ["doc_id"])


class _Queries(_Handler, BaseQueries):  # type: ignore[misc]  # ir_datasets has no types
    def queries_iter(self) -> Iterator[GenericQuery]:
        return (GenericQuery(*line.split("\t")) for _, line in numbered_lines(self.path()))

    def queries_cls(self) -> Any:
        return GenericQuery


class _Qrels(_Handler, BaseQrels):  # type: ignore[misc]  # ir_datasets has no types
    def qrels_iter(self) -> Iterator[TrecQrel]:
        for _, line in numbered_lines(self.path()):
            query_id, iteration, doc_id, relevance = line.split()
            yield TrecQrel(query_id, doc_id, int(relevance), iteration)

    def qrels_cls(self) -> Any:
        return TrecQrel

    def qrels_defs(self) -> dict[int, str]:
        return {1: "the body of the docstring whose summary line the query is"}


def _register() -> None:
    for name in PACKAGES:
        documents = _Documents(name, "documents.jsonl.gz")
        ir_datasets.registry.register(name, ir_datasets.Dataset(documents))
        for split in SPLITS:
            queries, qrels = _Queries(name, f"{split}.queries.tsv"), _Qrels(name, f"{split}.qrels")
            ir_datasets.registry.register(f"{name}/{split}", ir_datasets.Dataset(documents, queries, qrels))


_register()
