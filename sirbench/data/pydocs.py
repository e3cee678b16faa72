"""PyDocs: real text without a download, from the docstrings of packages that the suite depends on.

A document is the body of a docstring; its summary line is a query whose only positive is that body; "See
Also" entries are links between documents. `build` writes a collection into a folder of `data_home()`:
`pydocs`; `pydocs-sliver`, which is small enough for the test suite; or `pydocs-tools`, of packages for other
ends, to test on what was trained on PyDocs. `pydocs_datasets` reads it.
"""

import hashlib
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sirbench.data.docstrings import Docstring, read_docstrings
from sirbench.data.documents import Document, fingerprint
from sirbench.data.lines import numbered_lines, write_lines
from sirbench.data.near_duplicates import ALIKE_QUERIES, clusters, near_duplicates, shingles, words
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
    "pydocs-tools": {
        name: name for name in ("bm25s", "jinja2", "pyarrow", "pydantic", "snakemake", "tqdm", "typer")
    },
}
"""The packages of each collection: names to import, and names to install, which pyproject.toml pins."""
SPLITS = ("train", "dev")
CLUSTERS = "clusters.tsv"
REVISION = 3
"""Raised with every change of what `build` makes of the same packages: the workflow then builds again."""
_DEV_SHARE = 10
"""One cluster of queries in this many is for development."""
ALIKE_DOCUMENTS = 0.5
"""Two documents whose shingles resemble each other as much as this are near-duplicates."""
CONTAINED_DOCUMENT = 0.8
"""So are they where the larger one has this share of the smaller one's shingles."""


def data_home() -> Path:
    """The folder of built collections: the environment variable SIRBENCH_DATA, or ./data."""
    return Path(os.environ.get("SIRBENCH_DATA", "data"))


def built_file(name: str, file: str) -> Path:
    """A file of the built collection `name`; `InputError` where it is not built."""
    path = data_home() / name / file
    if not path.exists():
        raise InputError(
            f"{name} is not built: there is no {path}; `sirbench pydocs {name}` builds it "
            "(SIRBENCH_DATA sets the folder)"
        )
    return path


def build(name: str, folder: Path) -> dict[str, Any]:
    """Build the collection `name` in `folder`; the result is its description, as in collection.json.

    The files are documents.jsonl.gz, {train,dev}.queries.tsv, {train,dev}.qrels, links.tsv (ids of a document
    and of one that it links to), clusters.tsv (ids of a query and of the first of its near-duplicates) and
    collection.json (fingerprint, package versions, counts, near-duplicates).
    They depend only on the versions of the packages. Near-duplicates are all in one split. If `folder` has a
    collection with another fingerprint, a warning on stderr names both before it is replaced.
    """
    packages = PACKAGES[name]
    docstrings = [
        docstring
        for package in tqdm(packages, f"docstrings of {name}", unit=" packages", delay=2)
        for docstring in read_docstrings(package)
    ]
    documents = _distinct(docstrings)
    asked = _queries(documents)
    alike = _alike_documents(documents)
    cluster = _clusters(asked, alike)
    queries = _splits(asked, cluster)
    links = sorted(_links(documents))
    texts = (Document(doc_id, entry.body) for doc_id, entry in documents.items())
    description = {
        "name": name,
        "revision": REVISION,
        "fingerprint": fingerprint(texts, queries),
        # Without the local part: torch 2.13.0+cpu and 2.13.0 have the same Python files.
        "versions": {package: version(wheel).partition("+")[0] for package, wheel in packages.items()},
        "documents": len(documents),
        "queries": {split: len(queries[split]) for split in SPLITS},
        "links": len(links),
        "near_duplicates": {
            "clusters": len(set(cluster.values())),
            "largest_cluster": max(Counter(cluster.values()).values(), default=0),
            "dev_queries_whose_positive_has_one": len(queries["dev"].keys() & set(chain(*alike))),
        },
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
        write_lines(temporary / CLUSTERS, map("\t".join, cluster.items()))
        write_lines(temporary / "collection.json", [json.dumps(description, indent=2)])
    return description


def read_clusters(name: str) -> dict[str, str]:
    """The cluster of near-duplicates of each query, by id; nothing for a collection that is not PyDocs'."""
    if name not in PACKAGES:
        return {}
    lines = (line.split("\t") for _, line in numbered_lines(built_file(name, CLUSTERS)))
    return dict(lines)


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


def _queries(documents: dict[str, Docstring]) -> dict[str, str]:
    """The summaries that occur once, by the id of their document."""
    uses = Counter(docstring.summary.casefold() for docstring in documents.values())
    return {
        doc_id: docstring.summary
        for doc_id, docstring in documents.items()
        if docstring.summary and uses[docstring.summary.casefold()] == 1
    }


def _alike_documents(documents: dict[str, Docstring]) -> list[tuple[str, str]]:
    """The ids of every pair of documents that are near-duplicates."""
    ids = list(documents)
    sets = (shingles(words(docstring.body)) for docstring in documents.values())
    return [(ids[a], ids[b]) for a, b in near_duplicates(sets, ALIKE_DOCUMENTS, CONTAINED_DOCUMENT)]


def _clusters(queries: dict[str, str], alike: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The cluster of each query, named by the smallest id in it.

    Linked are two queries that are near-duplicates, or whose documents are: what a model learned from one of
    them would be a head start on the other.
    """
    ids = sorted(queries)
    number = {query_id: place for place, query_id in enumerate(ids)}
    of_documents = [(number[a], number[b]) for a, b in alike if a in number and b in number]
    of_queries = near_duplicates((set(words(queries[query_id])) for query_id in ids), ALIKE_QUERIES)
    names = clusters(len(ids), of_queries + of_documents)
    return {query_id: ids[name] for query_id, name in zip(ids, names, strict=True)}


def _splits(queries: dict[str, str], cluster: dict[str, str]) -> dict[str, dict[str, str]]:
    """The queries by split; a hash of its cluster's name gives the split of a query."""
    split: dict[str, dict[str, str]] = {name: {} for name in SPLITS}
    for query_id, text in queries.items():
        is_dev = int.from_bytes(hashlib.sha256(cluster[query_id].encode()).digest()) % _DEV_SHARE == 0
        split["dev" if is_dev else "train"][query_id] = text
    return split


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
