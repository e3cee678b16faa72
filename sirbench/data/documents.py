"""A document, and the fingerprint that tells one set of documents from another."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class Document(NamedTuple):
    """What a first stage indexes and a re-ranker reads."""

    doc_id: str
    text: str


def normalise(text: str) -> str:
    """`text` with every run of white space made one blank, and none at the ends."""
    return " ".join(text.split())


def fingerprint(documents: Iterable[Document]) -> str:
    """The sha256 (hexadecimal) over ids and normalised texts, in the order given."""
    digest = hashlib.sha256()
    for doc_id, text in documents:
        digest.update(f"{doc_id}\t{text}\n".encode())
    return digest.hexdigest()
