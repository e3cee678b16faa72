"""Collections that `ir_datasets` does not have, registered with it: one's own files, and divided queries.

After `register` the names `collection.train` and `collection.dev` are like any others, and nothing else knows
where documents, queries and judgements come from. Files are read when they are asked for, not before.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ir_datasets
from ir_datasets.formats import BaseDocs, BaseQrels, BaseQueries, GenericDoc, GenericQuery, TrecQrel

from sirbench.data import collections, records
from sirbench.data.lines import COMPRESSED
from sirbench.data.query_split import Side, sides
from sirbench.machine.errors import InputError
from sirbench.study import AnyCollection, JudgementFile, OneSet, OwnCollection, Split, TextFile
from sirbench.study.own_files import JudgementFiles, TextFiles

SIDES: tuple[Side, Side] = ("train", "dev")
Iterate = Callable[[], Iterator[Any]]
"""Reads documents, queries or judgements from the start, as ir_datasets has them."""


class Files(NamedTuple):
    """The files of a collection of one's own."""

    documents: TextFile
    queries: Mapping[str, TextFile]
    """By split; one file may be that of both."""
    qrels: Mapping[str, JudgementFile]
    """Likewise."""

    def paths(self) -> list[Path]:
        """Every file, once."""
        files = (self.documents, *self.queries.values(), *self.qrels.values())
        return list(dict.fromkeys(file.path for file in files))


def register(collection: AnyCollection) -> None:
    """Let ir_datasets know a collection by the names that its settings give it; again does no harm."""
    if isinstance(collection, OneSet):
        _register_divided(collection)
    elif isinstance(collection, OwnCollection):
        _register_own(collection)


def files_of(collection: OwnCollection) -> Files:
    """The files that settings name, and those of the folder; `InputError` where the folder lacks one."""
    documents, queries, qrels = collection.documents, collection.queries, collection.qrels
    if collection.folder is not None:
        folder = collection.folder
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder; it is named in the study's `collection`")
        documents = documents or TextFile(path=_inside(folder, "corpus.jsonl"))
        queries = queries or TextFile(path=_inside(folder, "queries.jsonl"))
        qrels = qrels or _qrels_inside(folder, divided=collection.split is not None)
    assert documents is not None and queries is not None and qrels is not None
    return Files(documents, _by_side(queries), _by_side(qrels))


def all_query_ids(collection: AnyCollection, side: str) -> set[str]:
    """The ids of every query that a run of one side may have: judged or not, on whatever side if divided."""
    if isinstance(collection, OwnCollection):
        return {it.id for it in records.texts(files_of(collection).queries[side])}
    whole = collection.dataset if isinstance(collection, OneSet) else getattr(collection, side)
    return collections.query_ids(whole)


def existing_files(collection: AnyCollection) -> list[Path]:
    """The files of a collection of one's own, as far as they are there; none of another collection."""
    if not isinstance(collection, OwnCollection):
        return []
    try:
        return [path for path in files_of(collection).paths() if path.is_file()]
    except InputError:  # whoever reads the collection says what is missing
        return []


def _by_side(files: Any) -> Mapping[str, Any]:
    if isinstance(files, (TextFiles, JudgementFiles)):
        return {"train": files.train, "dev": files.dev}
    return dict.fromkeys(map(str, SIDES), files)


def _qrels_inside(folder: Path, divided: bool) -> JudgementFile | JudgementFiles:
    """qrels/train.tsv and qrels/dev.tsv or test.tsv; the only one of them, where queries are divided."""
    there = {name: path for name in ("train", "dev", "test") if (path := _find(folder, f"qrels/{name}.tsv"))}
    if divided:
        if len(there) == 1:
            return JudgementFile(path=there.popitem()[1])
        found = ", ".join(map(str, there.values())) or "none"
        raise InputError(
            f"{folder}: `split` divides one file of judgements, and in qrels/ there are {found}; remove "
            "`split`, or name the one with `qrels`"
        )
    dev = there.get("dev") or there.get("test")
    if "train" not in there or dev is None:
        found = ", ".join(map(str, there.values())) or "none"
        raise InputError(
            f"{folder}: qrels/train.tsv and qrels/dev.tsv (or test.tsv) are needed, there is {found}; "
            "`split: {dev: 0.2}` divides one set of queries"
        )
    return JudgementFiles(train=JudgementFile(path=there["train"]), dev=JudgementFile(path=dev))


def _inside(folder: Path, name: str) -> Path:
    path = _find(folder, name)
    if path is None:
        raise InputError(f"{folder}: there is no {name}, nor {name}{' or '.join(COMPRESSED)}")
    return path


def _find(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{ending}" for ending in ("", *COMPRESSED))
    return next((path for path in paths if path.is_file()), None)


def _register_own(collection: OwnCollection) -> None:
    def documents() -> Iterator[GenericDoc]:
        return (GenericDoc(it.id, it.text) for it in records.texts(files_of(collection).documents))

    def queries(side: Side) -> Iterator[GenericQuery]:
        files = files_of(collection)
        found = records.texts(files.queries[side])
        if collection.split is None and files.queries["train"] is files.queries["dev"]:
            # Those of the other side are none of this one: what reads all training queries may not see them.
            judged = {it.query_id for it in records.judgements(files.qrels[side])}
            found = (it for it in found if it.id in judged)
        return (GenericQuery(it.id, it.text) for it in found)

    def qrels(side: Side) -> Iterator[TrecQrel]:
        found = records.judgements(files_of(collection).qrels[side])
        return (TrecQrel(it.query_id, it.doc_id, it.relevance, "0") for it in found)

    @cache
    def count() -> int:
        return records.count(files_of(collection).documents)

    _register(collection, collection.split, _Documents(documents, count), queries, qrels)


def _register_divided(collection: OneSet) -> None:
    name = collection.dataset
    documents = _Documents(
        lambda: collections.iterate_raw(name, "docs"),
        lambda: collections.open_collection(name, "docs").docs_count(),
    )
    _register(
        collection,
        collection.split,
        documents,
        lambda side: collections.iterate_raw(name, "queries"),
        lambda side: collections.iterate_raw(name, "qrels"),
    )


def _register(
    collection: OneSet | OwnCollection,
    split: Split | None,
    documents: BaseDocs,
    queries: Callable[[Side], Iterator[Any]],
    qrels: Callable[[Side], Iterator[Any]],
) -> None:
    """Register both splits; with a `split`, each is those of all queries that are on its side.

    Folds have no sides: every query is of either split, and jobs know which they leave out.
    """

    @cache
    def side_of() -> Mapping[str, Side]:
        assert split is not None and split.dev is not None
        return sides({it.query_id: it.default_text() for it in queries("train")}, split.dev)

    def on(side: Side, read: Callable[[Side], Iterator[Any]]) -> Iterate:
        if split is None or split.folds:
            return lambda: read(side)
        return lambda: (it for it in read(side) if side_of().get(it.query_id) == side)

    for side, name in zip(SIDES, (collection.train, collection.dev), strict=True):
        if name not in ir_datasets.registry:
            dataset = ir_datasets.Dataset(documents, _Queries(on(side, queries)), _Qrels(on(side, qrels)))
            ir_datasets.registry.register(name, dataset)


class _Documents(BaseDocs):  # type: ignore[misc]  # ir_datasets has no types
    def __init__(self, iterate: Iterate, count: Callable[[], int | None]) -> None:
        super().__init__()
        self.docs_iter, self.docs_count = iterate, count


class _Queries(BaseQueries):  # type: ignore[misc]  # ir_datasets has no types
    def __init__(self, iterate: Iterate) -> None:
        super().__init__()
        self.queries_iter = iterate


class _Qrels(BaseQrels):  # type: ignore[misc]  # ir_datasets has no types
    def __init__(self, iterate: Iterate) -> None:
        super().__init__()
        self.qrels_iter = iterate

    def qrels_cls(self) -> Any:
        return TrecQrel

    def qrels_defs(self) -> dict[int, str]:
        return {}
