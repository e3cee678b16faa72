"""A document, and the fingerprint of a collection."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Document(NamedTuple):
    """A text and its id."""

    doc_id: str
    text: str


def normalise(text: str) -> str:
    """`text` with every run of white space replaced by one blank, and none at the ends."""
    return " ".join(text.split())


def fingerprint(documents: Iterable[Document], queries: Mapping[str, Mapping[str, str]]) -> str:
    """The sha256 (hexadecimal) over ids and texts: of documents, then of the queries of each split.

    All are taken in the order given, so another split of the same queries is another collection.
    """
    digest = hashlib.sha256()
    for doc_id, text in documents:
        digest.update(f"{doc_id}\t{text}\n".encode())
    for split, texts in queries.items():
        for query_id, text in texts.items():
            digest.update(f"{split}\t{query_id}\t{text}\n".encode())
    return digest.hexdigest()
