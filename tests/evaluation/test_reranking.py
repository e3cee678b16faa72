from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from sirbench.backbones.checkpoint import load_model
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.evaluation import reranking
from sirbench.evaluation.reranking import rerank
from sirbench.machine.errors import InputError, TrainingError

LINES = [("q3", "d7"), ("q3", "d10"), ("q3", "d9"), ("q1", "d7"), ("q1", "d2"), ("q8", "d5")]


def candidates(lines=LINES):
    """A run in the order given."""
    return pd.DataFrame(
        [(*line, -i) for i, line in enumerate(lines)], columns=["query_id", "doc_id", "score"]
    )


class Scorer:
    """Scores pairs by a table, and writes down which pairs it was asked for."""

    precision = "fp32"

    def __init__(self, store, scores):
        self.store, self.scores, self.asked = store, scores, []
        self.model = SimpleNamespace(eval=lambda: None)

    def score(self, queries, documents):
        ids = zip(self.store.queries.ids[queries], self.store.documents.ids[documents], strict=True)
        self.asked.append(list(ids))
        return torch.tensor([self.scores[pair] for pair in self.asked[-1]])


def scorer(store, *scores):
    return Scorer(store, dict(zip(LINES, scores, strict=True)))


def pairs(run):
    return list(zip(run["query_id"], run["doc_id"], strict=True))


def test_the_candidates_in_the_order_of_their_new_scores(tiny_store):
    encoder = scorer(tiny_store, 0.25, 3.0, -1.0, 2.0, 2.5, 0.0)
    run = rerank(encoder, candidates(), "cell")
    assert encoder.asked == [LINES]
    assert pairs(run) == [("q3", "d10"), ("q3", "d7"), ("q3", "d9"), ("q1", "d2"), ("q1", "d7"), ("q8", "d5")]
    assert run["score"].tolist() == [3.0, 0.25, -1.0, 2.5, 2.0, 0.0]
    assert run["score"].dtype == np.float64


def test_ties_go_by_falling_document_id(tiny_store):
    """As strings, as trec_eval does: d9 > d7 > d10."""
    run = rerank(scorer(tiny_store, 1.0, 1.0, 1.0, 2.0, 3.0, 0.0), candidates(), "cell")
    assert pairs(run)[:3] == [("q3", "d9"), ("q3", "d7"), ("q3", "d10")]


def test_windows_change_nothing(tiny_store, monkeypatch):
    encoder = scorer(tiny_store, 0.25, 3.0, -1.0, 2.0, 2.5, 0.0)
    whole = rerank(encoder, candidates(), "cell")
    monkeypatch.setattr(reranking, "WINDOW", 4)
    pd.testing.assert_frame_equal(rerank(encoder, candidates(), "cell"), whole)
    assert [len(window) for window in encoder.asked] == [6, 4, 2]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_an_error(bad, tiny_store):
    with pytest.raises(TrainingError, match=r"re-rank cell: .* not finite numbers"):
        rerank(scorer(tiny_store, 0.0, 1.0, bad, 2.0, 3.0, 0.0), candidates(), "re-rank cell")


@pytest.mark.parametrize("scores", [(1, 1, 1, 2, 2, 7), (1, 1 + 1e-7, 1, 5000, 5000.0005, 7)], ids=str)
def test_a_constant_scorer_is_an_error(scores, tiny_store):
    encoder = scorer(tiny_store, *map(float, scores))
    with pytest.raises(TrainingError, match="re-rank cell: every document of a query has the same score"):
        rerank(encoder, candidates(), "re-rank cell")


def test_one_query_that_is_ranked_is_enough(tiny_store):
    assert len(rerank(scorer(tiny_store, 1.0, 1.0, 1.0, 2.0, 2.001, 7.0), candidates(), "cell")) == 6


def test_queries_of_one_document_are_no_collapse(tiny_store):
    run = rerank(scorer(tiny_store, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0), candidates(LINES[-1:]), "cell")
    assert pairs(run) == LINES[-1:]


def test_an_unknown_document_is_named(tiny_store):
    with pytest.raises(InputError, match="'d60' is not in the token store"):
        rerank(scorer(tiny_store, *range(6)), candidates([("q1", "d60")]), "cell")


def test_dropout_is_off(tiny_store, tiny_backbone):
    model = load_model(tiny_backbone, seed=1).train()
    torch.nn.init.normal_(model.classifier.weight)
    encoder = CrossEncoder(model, tiny_store)
    once, again = (rerank(encoder, candidates(), "cell") for _ in range(2))
    pd.testing.assert_frame_equal(once, again)
