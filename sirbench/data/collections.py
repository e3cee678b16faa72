"""Collections (documents, queries, qrels), always read through ir_datasets; PyDocs is treated like any other.

Functions that take a `dataset_id` read it through ir_datasets, which downloads missing files into
IR_DATASETS_HOME (default ~/.ir_datasets). The queries and qrels that a study keeps are plain files:
`id<TAB>text`, and TREC's four columns.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import ir_datasets
import pandas as pd
from tqdm import tqdm

from sirbench.data import documents, pydocs, pydocs_datasets
from sirbench.data.documents import Document, normalise
from sirbench.data.lines import DAMAGED, numbered_lines, write_lines
from sirbench.data.near_duplicates import words
from sirbench.data.numbers import whole_number
from sirbench.machine.errors import InputError

pydocs_datasets.register()

Part = Literal["docs", "queries", "qrels"]
_WORDS = {"docs": "documents", "queries": "queries", "qrels": "qrels"}


def open_collection(dataset_id: str, *parts: Part) -> ir_datasets.Dataset:
    """The ir_datasets dataset `dataset_id`.

    Raises InputError if ir_datasets has no collection of this name, or the collection lacks one of `parts`.
    """
    try:
        dataset = ir_datasets.load(dataset_id)
    except KeyError:
        close = difflib.get_close_matches(dataset_id, list(ir_datasets.registry), n=5)
        hint = f"did you mean {', '.join(close)}?" if close else "https://ir-datasets.com lists them"
        raise InputError(f"ir_datasets has no collection named {dataset_id!r}; {hint}") from None
    for part in parts:
        if not dataset.has(part):
            subsets = [name for name in ir_datasets.registry if name.startswith(f"{dataset_id}/")]
            hint = f"; choose one of its subsets: {', '.join(subsets)}" if subsets else ""
            raise InputError(f"the collection {dataset_id!r} has no {_WORDS[part]}{hint}")
    return dataset


def is_known(dataset_id: str) -> bool:
    """Whether ir_datasets has a collection of this name."""
    return dataset_id in ir_datasets.registry


def iterate_raw(dataset_id: str, part: Part) -> Iterator[Any]:
    """Every document, query or judgement as ir_datasets has it.

    Raises InputError, which says what to do, where files cannot be downloaded or are not what they should be.
    """
    dataset = open_collection(dataset_id, part)
    with _reading(dataset_id, part):
        yield from getattr(dataset, f"{part}_iter")()


def iterate_documents(dataset_id: str) -> Iterator[Document]:
    """Every document in the collection's order, white space normalised.

    The text is "url title body" if a document has these three fields (as in MS MARCO, and the paper's input),
    and otherwise ir_datasets' default text (mostly "title text").
    """
    for document in iterate_raw(dataset_id, "docs"):
        if {"url", "title", "body"} <= set(document._fields):
            text = f"{document.url} {document.title} {document.body}"
        else:
            text = document.default_text()
        yield Document(document.doc_id, normalise(text))


def count_documents(dataset_id: str) -> int:
    """The number of documents, from ir_datasets' metadata if there, otherwise by counting."""
    known = open_collection(dataset_id, "docs").docs_count()
    return known if known is not None else sum(1 for _ in iterate_documents(dataset_id))


def count_queries(dataset_id: str) -> int:
    """The number of queries, judged or not, from ir_datasets' metadata if there, otherwise by counting."""
    known = open_collection(dataset_id, "queries").metadata().get("queries", {}).get("count")
    return known if known is not None else sum(1 for _ in _iterate_queries(dataset_id))


class Contents(NamedTuple):
    """What reading all of a collection tells."""

    fingerprint: str
    """The sha256 over ids and texts of `iterate_documents` and of the queries of each split."""
    documents: int
    """How many there are, counted."""


def contents(
    dataset_id: str, queries: Mapping[str, Mapping[str, str]], missing: set[str] | None = None
) -> Contents:
    """Read a collection, once, since a large one takes minutes.

    The id of every document is removed from `missing`, so the ids left there have no document.
    """
    count = 0

    def passing() -> Iterator[Document]:
        nonlocal count
        name = f"fingerprint of {dataset_id}"
        for document in tqdm(iterate_documents(dataset_id), name, unit=" documents", delay=2):
            if missing:
                missing.discard(document.doc_id)
            count += 1
            yield document

    return Contents(documents.fingerprint(passing(), queries), count)


def query_ids(dataset_id: str) -> set[str]:
    """The ids of all queries, judged or not."""
    return set(all_queries(dataset_id))


def all_queries(dataset_id: str) -> dict[str, str]:
    """The texts by id of all queries, judged or not, in the collection's order."""
    return {query.query_id: normalise(query.default_text()) for query in _iterate_queries(dataset_id)}


def query_texts(dataset_id: str, without: Collection[str] = ()) -> list[str]:
    """The texts of all queries, judged or not, in the collection's order; not of the ids of `without`."""
    return [text for query_id, text in all_queries(dataset_id).items() if query_id not in without]


def query_clusters(dataset_id: str) -> dict[str, str]:
    """The name of each query's cluster of near-duplicates, by id, for all queries, judged or not.

    PyDocs comes with clusters. Elsewhere queries of the same words, in whatever order, are a cluster.
    """
    known = pydocs.read_clusters(dataset_id.partition("/")[0])
    texts = ((query.query_id, query.default_text()) for query in _iterate_queries(dataset_id))
    return {
        query_id: known.get(query_id) or " ".join(sorted(set(words(text)))) or query_id
        for query_id, text in texts
    }


def read_queries(dataset_id: str, limit: int | None = None) -> dict[str, str]:
    """The texts by id of the queries with a positive judgement (relevance >= 1), in the collection's order.

    With a `limit`, so many of them, chosen by `limited`.
    """
    qrels = read_qrels(dataset_id)
    positive = set(qrels.loc[qrels["relevance"] >= 1, "query_id"])
    queries = {
        query.query_id: normalise(query.default_text())
        for query in _iterate_queries(dataset_id)
        if query.query_id in positive
    }
    return limited(queries, limit)


def limited(queries: Mapping[str, str], limit: int | None) -> dict[str, str]:
    """The queries whose ids have the lowest sha256, in the order given; all for None.

    They are the same ones on every machine, and a smaller limit keeps a subset of those of a larger one.
    """
    kept = set(sorted(queries, key=lambda query_id: hashlib.sha256(query_id.encode()).digest())[:limit])
    return {query_id: text for query_id, text in queries.items() if query_id in kept}


def read_qrels(dataset_id: str) -> pd.DataFrame:
    """The judgements as query_id (str), doc_id (str), relevance (int), in the collection's order."""
    qrels = iterate_raw(dataset_id, "qrels")
    return _qrels((qrel.query_id, qrel.doc_id, qrel.relevance) for qrel in qrels)


def write_queries(queries: dict[str, str], path: Path) -> None:
    """Write `id<TAB>text` lines; texts are normalised, so each fits on one line."""
    write_lines(path, (f"{query_id}\t{normalise(text)}" for query_id, text in queries.items()))


def load_queries(path: Path) -> dict[str, str]:
    """Read a file of `write_queries`. Raises InputError, naming file and line, if it is malformed."""
    queries: dict[str, str] = {}
    for number, line in numbered_lines(path):
        query_id, tab, text = line.partition("\t")
        if not (tab and query_id and text.strip()):
            raise InputError(
                f"{path}, line {number}: expected a query id, a tab and a text, found {line[:80]!r}"
            )
        if query_id in queries:
            raise InputError(f"{path}, line {number}: query {query_id!r} appears a second time")
        queries[query_id] = normalise(text)
    if not queries:
        raise InputError(f"{path}: the file holds no queries")
    return queries


def write_qrels(qrels: pd.DataFrame, path: Path) -> None:
    """Write TREC's four columns: query id, 0, document id, relevance."""
    rows = qrels[["query_id", "doc_id", "relevance"]].itertuples(index=False)
    write_lines(path, (f"{query} 0 {document} {relevance}" for query, document, relevance in rows))


def load_qrels(path: Path) -> pd.DataFrame:
    """Read TREC qrels as `read_qrels` does. Raises InputError, naming file and line, if malformed."""

    def judgements() -> Iterator[tuple[str, str, int]]:
        for number, line in numbered_lines(path):
            try:
                query_id, _, doc_id, relevance = line.split()
                yield query_id, doc_id, whole_number(relevance)
            except ValueError:
                raise InputError(
                    f"{path}, line {number}: expected query id, 0, document id and an integer, found "
                    f"{line[:80]!r}"
                ) from None

    qrels = _qrels(judgements())
    if qrels.empty:
        raise InputError(f"{path}: the file holds no judgements")
    return qrels


def _iterate_queries(dataset_id: str) -> Iterator[Any]:
    """Every query, judged or not, as ir_datasets has it: with `query_id` and `default_text()`."""
    return iterate_raw(dataset_id, "queries")


def _qrels(judgements: Iterator[tuple[str, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(judgements, columns=["query_id", "doc_id", "relevance"])
    return frame.astype({"query_id": "str", "doc_id": "str", "relevance": "int64"})


@contextmanager
def _reading(dataset_id: str, part: Part) -> Iterator[None]:
    """Turn what ir_datasets raises, where it cannot download or parse, into an InputError with advice."""
    home, folder = ir_datasets.util.home_path(), dataset_id.split("/")[0]
    try:
        yield
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, *DAMAGED) as error:
        # Its own readers raise RuntimeErrors of this kind: "expected 4 columns, got 3".
        if isinstance(error, (ValueError, *DAMAGED)) or str(error).startswith("expected "):
            raise InputError(
                f"{dataset_id}: its {_WORDS[part]} are not as ir_datasets expects them ({error}): a file in "
                f"{home / folder} is damaged or of another version; move it away, and it is fetched anew"
            ) from error
        raise InputError(
            f"{dataset_id}: its {_WORDS[part]} could not be read ({error}). To put them there by hand, run "
            f"`ir_datasets export {dataset_id} {part} > /dev/null` where there is a network and copy its "
            f"~/.ir_datasets/{folder} to {home / folder} (IR_DATASETS_HOME sets {home})"
        ) from error
