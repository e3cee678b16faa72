import numpy as np
import pytest
import torch

from sirbench.backbones.checkpoint import load_model
from sirbench.encoding.collapse import DOCUMENTS, QUERIES, is_constant, look_at_scores
from sirbench.encoding.cross_encoder import CrossEncoder


def constant(*queries):
    """Of the scores of each query."""
    rows = np.repeat(np.arange(len(queries)), [len(scores) for scores in queries])
    return is_constant(rows, np.concatenate([np.float32(scores) for scores in queries]))


@pytest.mark.parametrize(
    ("expected", "scores"),
    [
        (True, (3.0, 3.0, 3.0)),
        (True, (1000.0, 1000.0001, 1000.0)),  # the last digit of a float32
        (False, (3.0, 3.0001, 3.0)),
        (False, (0.0, 3e-6, 0.0)),  # one layer, 16 wide, as drawn
        (False, (3.0,)),  # nothing to tell apart
    ],
)
def test_what_counts_as_constant(expected, scores):
    assert constant(scores) == expected


def test_one_query_with_a_difference_is_enough():
    assert constant((1.0, 1.0), (2.0, 2.0))
    assert not constant((1.0, 1.0), (1.0, 2.0))
    assert constant((1.0, 1.0), (2.0,))


@pytest.fixture
def model(tiny_backbone):
    """As drawn, with dropout, which keeps apart in training what is alike."""
    return load_model(tiny_backbone, seed=1).train()


PAIRS = np.repeat(np.arange(3), 5), np.arange(15)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_as_drawn_has_not_collapsed_in_any_precision(precision, model, tiny_store):
    assert look_at_scores(CrossEncoder(model, tiny_store, precision=precision), *PAIRS) == "differ"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_without_an_answer_has_in_spite_of_dropout_and_rounding(precision, model, tiny_store):
    last = model.bert.encoder.layer[-1].output
    torch.nn.init.zeros_(last.LayerNorm.weight)
    encoder = CrossEncoder(model, tiny_store, precision=precision)
    assert look_at_scores(encoder, *PAIRS) == "constant"
    assert encoder.precision == precision and model.training


@pytest.mark.parametrize("weight", [float("nan"), 1e38])
def test_scores_that_are_no_numbers_are_not_called_constant(weight, model, tiny_store):
    """Neither those of weights that are none, nor those of weights too large to be summed."""
    torch.nn.init.constant_(model.classifier.weight, weight)
    torch.nn.init.constant_(model.bert.encoder.layer[-1].output.LayerNorm.bias, 100.0)
    assert look_at_scores(CrossEncoder(model, tiny_store), *PAIRS) == "not finite"


def test_the_random_state_goes_on_as_if_nothing_had_been_asked(model, tiny_store):
    before = torch.random.get_rng_state()
    look_at_scores(CrossEncoder(model, tiny_store), *PAIRS)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_few_pairs_are_looked_at(model, tiny_store, monkeypatch):
    asked = []
    monkeypatch.setattr(
        CrossEncoder, "score", lambda self, *pairs: asked.append(pairs) or torch.rand(len(pairs[0]))
    )
    queries = np.repeat(np.arange(6), [30, 2, 20, 1, 40, 5])
    look_at_scores(CrossEncoder(model, tiny_store), queries, np.arange(len(queries)))
    ((rows, documents),) = asked
    assert np.bincount(rows).tolist() == [DOCUMENTS, 2, DOCUMENTS, 1] and len(set(rows)) == QUERIES
    assert documents[DOCUMENTS] == 30
