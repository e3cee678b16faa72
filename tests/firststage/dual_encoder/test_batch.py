"""Training queries, the positives they are given, and which documents of a batch are negatives of which."""

import numpy as np
import pytest
import torch

from sirbench.firststage.dual_encoder.batch import score_batch
from sirbench.firststage.dual_encoder.queries import Batch, make_batch, make_queries
from sirbench.machine.errors import InputError

TOKENS = {"q": np.array([5]), "r": np.array([6])}


def test_a_positive_outside_the_collection_is_named(tiny_store):
    with pytest.raises(InputError, match=r"training query 'r': its judged-positive document 'd99' is not in"):
        make_queries(TOKENS, {"q": ["d1"], "r": ["d2", "d99"]}, tiny_store.documents)


def test_every_positive_of_a_query_has_its_epochs(tiny_store):
    queries = make_queries(TOKENS, {"q": ["d9", "d1", "d9"], "r": ["d2"]}, tiny_store.documents)
    assert queries[0].positives.tolist() == [1, 9]
    drawn = [make_batch(queries, np.array([1, 0]), seed=1, epoch=epoch).positives for epoch in range(20)]
    assert {tuple(pair) for pair in np.array(drawn)} == {(2, 1), (2, 9)}
    again = make_batch(queries, np.array([0]), seed=1, epoch=7)  # in whatever batch
    assert again.positives[0] == drawn[7][1]


def test_a_batch_tells_its_own_negatives_from_those_of_others(make_policy):
    policy = make_policy("random")
    first, second, third = policy.queries[:3]  # positives 3, 7 and 50; 8; 13
    batch = Batch(np.arange(3), [first, second, third], np.array([7, 8, 13]))
    negatives = np.array([[20, 21], [3, -1], [-1, -1]])  # 3 is hard for the second, and judged for the first
    scored = score_batch(policy.encoder, batch, negatives)
    # documents:         7      8      13     20     21     3
    own = [
        [False, False, False, True, True, False],
        [False, False, False, False, False, True],
        [False, False, False, False, False, False],
    ]
    others = [
        [False, True, True, False, False, False],
        [True, False, True, True, True, False],
        [True, True, False, True, True, True],
    ]
    assert scored.own.tolist() == own and scored.others.tolist() == others
    assert scored.texts == 9
    queries = policy.encoder.embed_queries([query.tokens for query in batch.queries])
    documents = policy.encoder.embed_documents(np.array([7, 8, 13, 20, 21, 3]))
    torch.testing.assert_close(scored.scores.detach(), queries @ documents.T)
    torch.testing.assert_close(scored.positives.detach(), (queries * documents[:3]).sum(dim=1))


def test_a_query_knows_the_document_that_it_is(tiny_store):
    tokens, positives = {"d5": np.array([5]), "q": np.array([6])}, {"d5": ["d9", "d1"], "q": ["d2"]}
    first, second = make_queries(tokens, positives, tiny_store.documents, exclude_self=True)
    assert first.no_negatives.tolist() == [1, 5, 9] and second.no_negatives.tolist() == [2]
    first, _ = make_queries(tokens, positives, tiny_store.documents)
    assert first.no_negatives.tolist() == first.positives.tolist() == [1, 9]


def test_what_another_query_has_is_no_negative_of_the_query_that_it_is(make_policy):
    policy = make_policy("random")
    first, second = policy.queries[1:3]  # positives 8; 13
    batch = Batch(np.arange(2), [first._replace(itself=13), second._replace(itself=20)], np.array([8, 13]))
    scored = score_batch(policy.encoder, batch, np.array([[20], [21]]))
    # documents:                       8      13     20     21
    assert scored.others.tolist() == [[False, False, False, True], [True, False, False, False]]
    with pytest.raises(AssertionError, match="or the query itself"):
        score_batch(policy.encoder, batch, np.array([[20], [20]]))


def test_a_judged_positive_given_as_a_negative_is_a_mistake_of_ours(make_policy):
    policy = make_policy("random")
    batch = Batch(np.arange(1), policy.queries[:1], np.array([7]))
    with pytest.raises(AssertionError, match="judged positive"):
        score_batch(policy.encoder, batch, np.array([[50]]))
