"""What a first stage that learns encodes, counted by hand from its policy."""

import pytest

from sirbench.firststage import Texts, learner
from sirbench.strategies import Pairs
from sirbench.study import FirstStage, Input

INPUT = Input(max_tokens=128, max_query_tokens=16)
TRAINING = {"steps": 10, "batch": 4}
DOCUMENTS = 1000


def texts(first_stage="dense", start=None, training=TRAINING, **options):
    spec = FirstStage(
        first_stage=first_stage, backbone="bert", start=start, training=training, options=options
    )
    return learner(spec).texts(spec, INPUT, DOCUMENTS)


@pytest.mark.parametrize(
    "negatives, documents, encodings",
    [
        ("in-batch", 1, 1),  # each query's positive; all documents once, to retrieve from
        ({"name": "random", "per_query": 3}, 4, 1),
        ("static", 2, 1),
        ("star", 2, 1),  # BM25's negatives
        ({"name": "ance", "refresh_every": 5}, 2, 3),  # before step 1, after step 5, and to retrieve
        ({"name": "ance", "refresh_every": 3}, 2, 5),  # before step 1, after steps 3, 6 and 9
        ("adore", 0, 2),  # documents are encoded before the training, and are no part of a step
    ],
)
def test_dense_encodes_queries_documents_of_its_steps_and_the_collection(negatives, documents, encodings):
    queries, collection = texts(negatives=negatives)
    assert queries == Texts(16, Pairs(10 * 4))
    assert collection == Texts(128, Pairs(10 * 4 * documents, DOCUMENTS * encodings))


def test_star_that_continues_searches_its_negatives_with_the_encoder():
    assert texts(negatives="star", start="other")[1].pairs.forward_only == 2 * DOCUMENTS


def test_dense_without_training_encodes_the_collection_alone():
    assert texts(training={"steps": 0})[1] == Texts(128, Pairs(0, DOCUMENTS))


def test_hdct_reads_a_passage_of_each_document_at_least():
    assert texts("hdct") == [Texts(128, Pairs(10 * 4, DOCUMENTS))]
    assert texts("hdct", passage_tokens=64)[0].tokens == 64
