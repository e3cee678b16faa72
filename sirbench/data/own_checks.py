"""Files of one's own, checked before anything is made of them; a mistake is a message with file and line.

What concerns one line alone `sirbench.data.records` refuses; here is what only the whole file shows, or two
files side by side. Of a document nothing is kept but eight bytes, so that a million take no room.
"""

import logging
from array import array
from collections.abc import Set

import numpy as np
from tqdm import tqdm

from sirbench.data.own_collections import SIDES, Files
from sirbench.data.query_split import Side
from sirbench.data.records import Text, judgements, texts
from sirbench.machine.errors import InputError
from sirbench.study import JudgementFile, TextFile

log = logging.getLogger(__name__)

Places = dict[str, str]
"""Where an id is named first: its file and line."""


def check(files: Files, *, incomplete: bool) -> None:
    """Raise InputError at the first mistake; of what may be none, warn.

    A mistake is an id that appears twice, a query without a text, a file without a record, a document judged
    twice for a query, judgements most of which are about unknown queries or documents, and an unknown
    document that is relevant to a training query. Unknown documents are none where the collection is
    `incomplete`. Warnings are about documents without a text, and about fewer unknown queries and documents.
    """
    queries = {"train": _check_queries(files.queries["train"])}
    same = files.queries["dev"] is files.queries["train"]
    queries["dev"] = queries["train"] if same else _check_queries(files.queries["dev"])
    # The judgements of one set of queries, which is divided, are those of both splits.
    sides = SIDES[:1] if files.qrels["dev"] is files.qrels["train"] else SIDES
    relevant = {side: _check_judgements(files.qrels[side], queries[side]) for side in sides}
    missing = set().union(*relevant.values())
    _check_documents(files.documents, missing)
    if not incomplete:
        for side, places in relevant.items():
            _check_relevant(side, places, missing, files)


def _check_queries(file: TextFile) -> Set[str]:
    """The ids of all queries."""
    places: Places = {}
    for query in texts(file):
        if query.id in places:
            raise _twice(query, "query", places[query.id])
        if not query.text.strip():
            raise InputError(f"{query.place}: query {query.id!r} has no text")
        places[query.id] = query.place
    if not places:
        raise InputError(f"{file.path}: there is no query in this file")
    return places.keys()


def _check_judgements(file: JudgementFile, queries: Set[str]) -> Places:
    """The relevant documents, and where each is named first."""
    judged: set[str] = set()
    relevant: Places = {}
    unknown: Places = {}
    for place, query_id, doc_id, relevance in judgements(file):
        judged.add(query_id)
        if query_id not in queries:
            unknown.setdefault(query_id, place)
        elif relevance >= 1:
            relevant.setdefault(doc_id, place)
    if unknown:
        query_id, place = next(iter(unknown.items()))
        number = f"{len(unknown)} of {len(judged)}"
        message = f"{place}: there is no query {query_id!r}; {number} judged queries are unknown"
        if 2 * len(unknown) > len(judged):
            raise InputError(f"{message}: are these the judgements of other queries?")
        log.warning("%s, and their judgements are left out", message)
    if not relevant:
        raise InputError(f"{file.path}: no judgement says that a document is relevant (1 or more)")
    return relevant


def _check_documents(file: TextFile, missing: set[str]) -> None:
    """The id of every document is removed from `missing`."""
    # Of each id its hash: where two are equal, the file is read again to see whether the ids are.
    hashes = array("q")
    empty, first_empty = 0, ""
    for document in tqdm(texts(file), f"check {file.path.name}", unit=" documents", delay=2):
        hashes.append(hash(document.id))
        missing.discard(document.id)
        if not document.text.strip():
            empty += 1
            first_empty = first_empty or f"{document.place}: document {document.id!r} has no text"
    if not hashes:
        raise InputError(f"{file.path}: there is no document in this file")
    distinct, counts = np.unique(np.frombuffer(hashes, dtype=np.int64), return_counts=True)
    _refuse_twice(file, set(distinct[counts > 1].tolist()))
    if 2 * empty > len(hashes):
        raise InputError(
            f"{first_empty}, and {empty} of {len(hashes)} have none; is `text` the right column?"
        )
    if empty:
        log.warning("%s; %d of %d documents have none, and they stay", first_empty, empty, len(hashes))


def _refuse_twice(file: TextFile, repeated: Set[int]) -> None:
    """Raise InputError for a document whose id appears twice; `repeated` are hashes of ids that may."""
    if not repeated:
        return
    places: Places = {}
    for document in texts(file):
        if hash(document.id) in repeated:
            if document.id in places:
                raise _twice(document, "document", places[document.id])
            places[document.id] = document.place


def _check_relevant(side: Side, places: Places, missing: Set[str], files: Files) -> None:
    """Refuse, or warn of, documents that are relevant to a query and not in the collection."""
    unknown = {doc_id: place for doc_id, place in places.items() if doc_id in missing}
    if not unknown:
        return
    doc_id, place = next(iter(unknown.items()))
    message = (
        f"{place}: document {doc_id!r} is not in {files.documents.path}; {len(unknown)} of {len(places)} "
        "relevant documents are not"
    )
    if side == "train":
        raise InputError(
            f"{message}, and nothing can be trained on a positive without its text. Remove these judgements, "
            "or say `incomplete: true`, which leaves them out"
        )
    if 2 * len(unknown) > len(places):
        raise InputError(
            f"{message}: are these the judgements of another collection? Where it holds only texts that were "
            "retrieved, say `incomplete: true`"
        )
    log.warning("%s, and nothing can find them", message)


def _twice(text: Text, kind: str, first: str) -> InputError:
    return InputError(f"{text.place}: {kind} {text.id!r} appears a second time, after {first}")
