"""What the regression is trained on: whose passages, with which labels."""

import hashlib

import pytest

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.data.documents import Document
from sirbench.firststage.lexical.words import Words
from sirbench.firststage.term_weights.examples import examples_from_first_sentences, examples_from_queries
from sirbench.firststage.term_weights.passages import passage_cutter
from sirbench.machine.errors import InputError

DOCUMENTS = [
    Document("d1", "sparse matrix index"),
    Document("d2", "graph edge"),
    Document("d3", "plot"),
    Document("d4", "?"),
]
QUERIES = {"q1": "a matrix", "q2": "sparse matrices, matrix", "q3": "edges", "q4": "tensor"}


@pytest.fixture
def cutter(tiny_backbone):
    words = Words()
    tokenizer = load_tokenizer(tiny_backbone)
    return words, passage_cutter(tokenizer, words, passage_tokens=40, max_passages=0)


def labelled(examples, words):
    stems = list(words.stems)
    return [
        {stems[word]: float(label) for word, label in zip(passage.words, labels, strict=True)}
        for passage, labels in zip(examples.passages, examples.labels, strict=True)
    ]


def from_queries(cutter, positives, most=100):
    words, cut = cutter
    found = examples_from_queries(iter(DOCUMENTS), QUERIES, positives, cut, words, most=most)
    return labelled(found, words)


def test_only_documents_with_a_training_query_are_trained_on(cutter):
    positives = {"q1": ["d1"], "q2": ["d1", "d2"], "q3": ["d2", "d4"], "q4": ["missing"]}
    assert from_queries(cutter, positives) == [
        {"spars": 0.5, "matrix": 1.0, "index": 0.0},
        {"graph": 0.0, "edg": 0.5},
    ]


def test_the_documents_kept_have_the_lowest_hashes(cutter):
    positives = {"q1": ["d1"], "q3": ["d2"], "q4": ["d3"]}
    lowest = min(["d1", "d2", "d3"], key=lambda doc_id: hashlib.sha256(doc_id.encode()).digest())
    assert lowest == "d1"
    assert from_queries(cutter, positives, most=1) == [{"spars": 0.0, "matrix": 1.0, "index": 0.0}]


def test_labels_that_are_all_0_are_an_error(cutter):
    with pytest.raises(InputError, match=r"no training query shares a word.*labels: first-sentence"):
        from_queries(cutter, {"q4": ["d1", "d4"]})


def test_without_queries_the_first_sentence_labels_the_rest(cutter):
    words, cut = cutter
    documents = [
        Document("d1", "Sparse matrices. The sparse index and a matrix"),
        Document("d2", "Graph edges. Solver of a graph. Plot the edge"),
        Document("d3", "Only this sentence."),
    ]
    found = examples_from_first_sentences(lambda: iter(documents), cut, words, most=100)
    assert labelled(found, words) == [
        {"spars": 1.0, "index": 0.0, "matrix": 0.0},  # Snowball: matrices -> matric
        {"solver": 0.0, "graph": 1.0, "plot": 0.0, "edg": 1.0},
    ]


def test_documents_that_never_repeat_their_first_sentence_are_an_error(cutter):
    words, cut = cutter
    with pytest.raises(InputError, match="no document repeats a word of its first sentence"):
        examples_from_first_sentences(lambda: iter(DOCUMENTS), cut, words, most=100)
