"""BM25: the formula, the order of ties, and nDCG@10 on two public collections."""

import math
import re

import ir_measures
import pytest
import Stemmer
from bm25s.stopwords import STOPWORDS_EN
from ir_measures import nDCG

from sirbench.data import collections
from sirbench.data.documents import Document
from sirbench.data.runs import sort_run
from sirbench.firststage import FIRST_STAGES
from sirbench.firststage.bm25 import BM25
from sirbench.machine.errors import InputError

DOCUMENTS = [
    Document("d1", "The cats sat on the mat, and the cat purred."),
    Document("d2", "Dogs chase cats; dogs bark."),
    Document("d3", "A treatise on matrix norms and the norm of a vector"),
    Document("d4", ""),
    Document("d5", "Norms!"),
]
QUERIES = {"q1": "cat norms", "q2": "dogs and dogs", "q3": "the of and", "q4": "zebra"}


def retrieve(documents, queries, depth=100, **options):
    return BM25(**options).retrieve(documents, queries, depth=depth)


def words(text):
    stem = Stemmer.Stemmer("english").stemWord
    return [stem(word) for word in re.findall(r"\w\w+", text.lower()) if word not in STOPWORDS_EN]


def lucene_bm25(query, document, k1, b):
    """The score as Kamphuis et al. (ECIR 2020) print Lucene's variant with exact lengths."""
    lengths = [len(words(text)) for _, text in DOCUMENTS]
    score = 0.0
    for word in words(query):
        df = sum(word in words(text) for _, text in DOCUMENTS)
        tf = words(document).count(word)
        idf = math.log(1 + (len(DOCUMENTS) - df + 0.5) / (df + 0.5))
        norm = k1 * (1 - b + b * len(words(document)) * len(lengths) / sum(lengths))
        score += idf * tf / (tf + norm)
    return score


@pytest.mark.parametrize(("k1", "b"), [(0.9, 0.4), (1.5, 0.75), (1.2, 0.0)])
def test_scores_are_lucenes_bm25(k1, b):
    run = retrieve(DOCUMENTS, QUERIES, k1=k1, b=b)
    scores = {(query_id, doc_id): score for query_id, doc_id, score in run.itertuples(index=False)}
    expected = {
        (query_id, doc_id): lucene_bm25(query, text, k1, b)
        for query_id, query in QUERIES.items()
        for doc_id, text in DOCUMENTS
    }
    assert scores == pytest.approx({pair: score for pair, score in expected.items() if score > 0}, rel=1e-6)


def test_the_order_is_that_of_runs():
    run = retrieve(DOCUMENTS, QUERIES)
    assert run.equals(sort_run(run))
    assert run["query_id"].unique().tolist() == ["q1", "q2"]


def test_a_query_without_a_known_word_gets_no_documents():
    run = retrieve(DOCUMENTS, {"q3": "the of and", "q4": "zebra", "q5": "?"})
    assert run.empty
    assert list(run.columns) == ["query_id", "doc_id", "score"]


def test_ties_at_the_cut_keep_the_last_ids():
    same = [Document(doc_id, "one text for all") for doc_id in ("b", "d10", "a", "d2", "c")]
    run = retrieve([*same, Document("z", "another matter")], {"q": "text"}, depth=3)
    assert run["doc_id"].tolist() == ["d2", "d10", "c"]


def test_the_order_of_the_documents_changes_nothing():
    backwards = retrieve(DOCUMENTS[::-1], QUERIES)
    assert backwards.equals(retrieve(DOCUMENTS, QUERIES))


def test_documents_may_come_from_a_generator_and_number_fewer_than_depth():
    run = retrieve((document for document in DOCUMENTS), {"q": "norms"}, depth=100)
    assert set(run["doc_id"]) == {"d3", "d5"}


def test_no_queries_give_an_empty_run():
    run = retrieve(DOCUMENTS, {})
    assert run.empty
    assert list(run.columns) == ["query_id", "doc_id", "score"]


@pytest.mark.parametrize("documents", [[], [Document("d", "?"), Document("e", "the")]])
def test_documents_without_words_are_an_error(documents):
    with pytest.raises(InputError, match="no document with a word"):
        retrieve(documents, {"q": "norms"})


@pytest.mark.usefixtures("caches")
@pytest.mark.parametrize(
    ("dataset_id", "published"), [("beir/scifact/test", 0.676), ("beir/nfcorpus/test", 0.318)]
)
def test_ndcg_on_public_collections(dataset_id, published):
    queries = collections.read_queries(dataset_id)
    run = retrieve(collections.iterate_documents(dataset_id), queries)
    qrels = collections.read_qrels(dataset_id)
    assert ir_measures.calc_aggregate([nDCG @ 10], qrels, run)[nDCG @ 10] == pytest.approx(
        published, abs=0.01
    )


def test_a_first_stage_is_found_by_name():
    assert FIRST_STAGES.find("bm25") is BM25
