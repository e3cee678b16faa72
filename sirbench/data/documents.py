"""A document, and the fingerprint of a set of documents."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class Document(NamedTuple):
    """A text and its id."""

    doc_id: str
    text: str


def normalise(text: str) -> str:
    """`text` with every run of white space replaced by one blank, and none at the ends."""
    return " ".join(text.split())


def fingerprint(documents: Iterable[Document]) -> str:
    """The sha256 (hexadecimal) over ids and texts, in the order given."""
    digest = hashlib.sha256()
    for doc_id, text in documents:
        digest.update(f"{doc_id}\t{text}\n".encode())
    return digest.hexdigest()
