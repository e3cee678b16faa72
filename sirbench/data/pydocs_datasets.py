"""PyDocs as a collection of ir_datasets, like any other.

Apart from `pydocs`, which builds it, since ir_datasets takes a second to import that the workflow does
without.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ir_datasets
from ir_datasets.formats import BaseDocs, BaseQrels, BaseQueries, GenericDoc, GenericQuery, TrecQrel
from ir_datasets.indices import PickleLz4FullStore

from sirbench.data.lines import numbered_lines
from sirbench.data.pydocs import PACKAGES, SPLITS, built_file
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object


class _Handler:
    """A reader of a file of a built collection, which need not exist when the collection is registered."""

    def __init__(self, name: str, file: str) -> None:
        super().__init__()
        self.name, self.file = name, file

    def path(self) -> Path:
        return built_file(self.name, self.file)


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


def register() -> None:
    """Let ir_datasets know `pydocs` (documents), `pydocs/train` and `pydocs/dev` (with queries and qrels).

    And likewise `pydocs-sliver`.
    """
    for name in PACKAGES:
        documents = _Documents(name, "documents.jsonl.gz")
        ir_datasets.registry.register(name, ir_datasets.Dataset(documents))
        for split in SPLITS:
            queries, qrels = _Queries(name, f"{split}.queries.tsv"), _Qrels(name, f"{split}.qrels")
            ir_datasets.registry.register(f"{name}/{split}", ir_datasets.Dataset(documents, queries, qrels))
