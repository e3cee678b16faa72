"""The passages that the regression is trained on, with their labels."""

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from sirbench.data.documents import Document
from sirbench.firststage.lexical.words import Words
from sirbench.firststage.term_weights.labels import first_sentence, query_term_recall
from sirbench.firststage.term_weights.passages import Cut, Passage
from sirbench.machine.errors import InputError


class Examples(NamedTuple):
    """Passages in the order of the collection, and the labels (words,) float32 of the words of each."""

    passages: list[Passage]
    labels: list[np.ndarray]


def examples_from_queries(
    documents: Iterable[Document],
    queries: Mapping[str, str],
    positives: Mapping[str, Sequence[str]],
    cut: Cut,
    words: Words,
    *,
    most: int,
) -> Examples:
    """Passages of the documents that are relevant to a training query, labelled by query term recall.

    At most `most` documents are used, those with the lowest sha256 of their id. Raises InputError if no label
    is above 0.
    """
    asked: dict[str, list[list[int]]] = {}
    for query_id, doc_ids in positives.items():
        for doc_id in doc_ids:
            asked.setdefault(doc_id, []).append(words.learn(queries[query_id]))
    chosen = {doc_id: asked[doc_id] for doc_id in _lowest(asked, most)}
    read = tqdm(documents, "hdct: reading", unit=" documents", delay=2)
    return _examples(
        ((text, chosen[doc_id]) for doc_id, text in read if doc_id in chosen),
        cut,
        "no training query shares a word with a document that is relevant to it; check the collection's "
        "qrels, or set the option `labels: first-sentence`",
    )


def examples_from_first_sentences(
    documents: Callable[[], Iterable[Document]], cut: Cut, words: Words, *, most: int
) -> Examples:
    """Passages of the rest of each document after its first sentence, labelled by that sentence.

    At most `most` documents are used, those with the lowest sha256 of their id. Raises InputError if no label
    is above 0.
    """
    chosen = set(_lowest((document.doc_id for document in documents()), most))

    def labelled() -> Iterator[tuple[str, list[list[int]]]]:
        for doc_id, text in tqdm(documents(), "hdct: reading", unit=" documents", delay=2):
            if doc_id in chosen:
                beginning, rest = first_sentence(text)
                yield rest, [words.learn(beginning)]

    return _examples(labelled(), cut, "no document repeats a word of its first sentence")


def _examples(texts: Iterable[tuple[str, list[list[int]]]], cut: Cut, why_nothing: str) -> Examples:
    """The passages of texts, labelled by the words of each text's queries."""
    examples = Examples([], [])
    for text, queries in texts:
        for passage in cut([text])[0]:
            examples.passages.append(passage)
            examples.labels.append(query_term_recall(passage.words, queries))
    if not any(labels.any() for labels in examples.labels):
        raise InputError(f"hdct: there is nothing to learn from: {why_nothing}")
    return examples


def _lowest(doc_ids: Iterable[str], most: int) -> list[str]:
    return heapq.nsmallest(most, doc_ids, key=lambda doc_id: hashlib.sha256(doc_id.encode()).digest())
