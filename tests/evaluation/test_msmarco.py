"""MS MARCO's real judgements: MRR@100 of a run over all dev queries is the official number.

The official script (ms_marco_doc_eval.py) reads query, document and rank, takes a query's documents by rank,
adds 1 / rank of the first that is judged relevant, and divides by the number of judged queries. Its
leaderboard takes 100 documents a query; of more, its present version only complains, so the reference here
cuts them first.
"""

import random
from collections import defaultdict

import pandas as pd
import pytest

from sirbench.config import load
from sirbench.data import collections
from sirbench.data.runs import write_run
from sirbench.evaluation.measures import per_query, read_per_query
from sirbench.jobs.layout import Layout
from sirbench.steps.evaluation import evaluate_candidates
from tests.checkouts import ROOT

pytestmark = pytest.mark.usefixtures("caches")
DEV = "msmarco-document/dev"
DEPTH = 100


@pytest.fixture(scope="module")
def judged(caches):
    return collections.read_qrels(DEV)


@pytest.fixture(scope="module")
def submission(judged):
    """Lines (query, document, rank): 0 to 120 documents a query, the judged one at any rank or nowhere."""
    draw, lines = random.Random(4), []
    for query, positives in judged.groupby("query_id")["doc_id"]:
        count = draw.choice([0, 1, 5, 99, 100, 101, 120])
        documents = [f"D{number}" for number in draw.sample(range(5_000_000, 6_000_000), count)]
        place = draw.randrange(130)
        if place < count:
            documents[place] = positives.iloc[0]
        lines += [(query, document, rank) for rank, document in enumerate(documents, 1)]
    return lines


@pytest.fixture(scope="module")
def values(submission, judged, tmp_path_factory):
    """Per-query values of the submission as candidates of study `paper`, through files and step."""
    run = pd.DataFrame(submission, columns=["query_id", "doc_id", "score"])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("study"))
        config, layout = load("paper", ROOT / "config"), Layout("paper")
        collections.write_queries(collections.read_queries(DEV), layout.queries("dev"))
        collections.write_qrels(judged, layout.qrels("dev"))
        write_run(run.assign(score=-run["score"].astype(float)), layout.candidates("hdct", "dev"), tag="hdct")
        evaluate_candidates(config, "hdct")
        yield read_per_query(layout.candidates_per_query("hdct"))["RR@100"]


def official_mrr(submission, judged):
    relevant, ranked = defaultdict(set), defaultdict(list)
    for query, document in zip(judged["query_id"], judged["doc_id"], strict=True):
        relevant[query].add(document)
    for query, document, rank in submission:
        ranked[query].append((rank, document))
    total = 0.0
    for query, documents in ranked.items():
        for place, (_, document) in enumerate(sorted(documents)[:DEPTH], 1):
            if document in relevant[query]:
                total += 1 / place
                break
    return total / len(relevant)


def test_the_mean_over_all_dev_queries_is_the_official_number(submission, judged, values):
    assert len(values) == 5193
    official = official_mrr(submission, judged)
    assert 0.02 < official < 0.1
    assert values.mean() == pytest.approx(official, abs=1e-12)


def test_queries_without_a_document_are_in_the_mean(submission, values):
    silent = sorted(set(values.index) - {query for query, _, _ in submission})
    assert len(silent) > 500
    assert (values[silent] == 0).all()
    assert values.mean() == pytest.approx(values.drop(silent).sum() / 5193)


def test_the_101st_document_counts_for_nothing(judged):
    query = judged["query_id"].iloc[0]
    positive = judged.loc[judged["query_id"] == query, "doc_id"].iloc[0]
    for rank, value in ((100, 0.01), (101, 0.0)):
        others = [(query, f"D{9_000_000 + i}", float(-i)) for i in range(1, 120) if i != rank]
        run = pd.DataFrame(
            [*others, (query, positive, float(-rank))], columns=["query_id", "doc_id", "score"]
        )
        assert per_query(run, judged, [query], ["RR@100"]).loc[query, "RR@100"] == value


class TestGrades:
    """TREC's Deep Learning judgements go from 0 to 3."""

    TRACK = "msmarco-document/trec-dl-2019/judged"

    def test_a_track_has_its_judged_queries(self):
        assert len(collections.read_queries(self.TRACK)) == 43
        assert set(collections.read_qrels(self.TRACK)["relevance"]) == {0, 1, 2, 3}

    def test_the_grade_that_counts_as_relevant_is_part_of_a_measures_name(self):
        qrels = collections.read_qrels(self.TRACK)
        query = qrels["query_id"].iloc[0]
        judged = qrels[qrels["query_id"] == query].drop_duplicates("relevance").sort_values("relevance")
        assert judged["relevance"].tolist() == [0, 1, 2, 3]  # ranked worst first
        run = judged[["query_id", "doc_id"]].assign(score=[4.0, 3.0, 2.0, 1.0])
        measures = ["RR@100", "RR(rel=1)@100", "RR(rel=2)@100", "RR(rel=3)@100", "R(rel=3)@100"]
        values = per_query(run, qrels, [query], measures).loc[query]
        threes = ((qrels["query_id"] == query) & (qrels["relevance"] == 3)).sum()
        assert values.tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 4, 1 / threes])

    def test_ap_counts_what_its_name_says(self):
        qrels = collections.read_qrels(self.TRACK)
        query = qrels["query_id"].iloc[0]
        of_query = qrels[qrels["query_id"] == query]
        two, one = (of_query.loc[of_query["relevance"] == grade, "doc_id"].iloc[0] for grade in (2, 1))
        run = pd.DataFrame({"query_id": query, "doc_id": [one, two], "score": [2.0, 1.0]})
        values = per_query(run, qrels, [query], ["AP@20", "AP(rel=2)@20"]).loc[query]
        relevant, highly = ((of_query["relevance"] >= grade).sum() for grade in (1, 2))
        assert values.tolist() == pytest.approx([(1 + 1) / relevant, (1 / 2) / highly])
