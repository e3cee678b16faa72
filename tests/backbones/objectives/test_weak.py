"""Dehghani et al. 2017: BM25's scores as labels, in four losses."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from sirbench.backbones.drawing.groups import Group, score_groups
from sirbench.backbones.drawing.lexical import Lexical
from sirbench.backbones.objectives import OBJECTIVES
from sirbench.backbones.objectives.weak import LOSSES, listnet, rank, rankprob, top
from sirbench.machine.errors import InputError
from tests.backbones.conftest import sentences_of

SCORES = torch.tensor([[1.5, -0.5, 2.0]], dtype=torch.float64)
BM25 = torch.tensor([[6.0, 2.0, 0.0]], dtype=torch.float64)


def test_rank_is_the_hinge_of_pairs_that_bm25_scores_apart():
    # (1.5, -.5): margin 2, no loss. (1.5, 2): 1 + .5. (-.5, 2): 1 + 2.5.
    assert rank(SCORES, BM25, 1.0).tolist() == pytest.approx([(0 + 1.5 + 3.5) / 3])
    equal = torch.tensor([[6.0, 0.0, 0.0]], dtype=torch.float64)
    assert rank(SCORES, equal, 1.0).tolist() == pytest.approx([(0 + 1.5) / 2])
    assert rank(SCORES, equal * 0, 1.0).tolist() == [0.0]


def test_rankprob_is_the_cross_entropy_of_p():
    expected = 0.0
    for i, j in ((0, 1), (0, 2), (1, 2)):
        p = float(BM25[0, i] / (BM25[0, i] + BM25[0, j]))
        q = 1 / (1 + math.exp(float(SCORES[0, j] - SCORES[0, i])))
        expected += -p * math.log(q) - (1 - p) * math.log(1 - q)
    assert rankprob(SCORES, BM25, 1.0).tolist() == pytest.approx([expected / 3])


def test_rankprob_leaves_out_pairs_that_bm25_does_not_retrieve():
    bm25 = torch.tensor([[6.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=False)
    scores = SCORES.clone().requires_grad_()
    loss = rankprob(scores, bm25, 1.0)
    # P = 1 in both pairs that are left.
    expected = [math.log(1 + math.exp(-2.0)), math.log(1 + math.exp(0.5))]
    assert loss.tolist() == pytest.approx([math.fsum(expected) / 2])
    loss.sum().backward()
    assert scores.grad.isfinite().all()


def test_listnet_and_top_are_cross_entropies_of_the_group():
    def softmax(values):
        exponents = [math.exp(value) for value in values]
        return [value / math.fsum(exponents) for value in exponents]

    q = softmax([1.5, -0.5, 2.0])
    p = softmax([3.0, 1.0, 0.0])
    expected = -math.fsum(a * math.log(b) for a, b in zip(p, q, strict=True))
    assert listnet(SCORES, BM25, 2.0).tolist() == pytest.approx([expected])
    assert top(SCORES, BM25, 2.0).tolist() == pytest.approx([-math.log(q[0])])
    assert listnet(SCORES, BM25, 1e-3).tolist() == pytest.approx(top(SCORES, BM25, 1.0).tolist())


def test_bm25_is_lucene_s_formula_on_content_words(corpus):
    lexical = Lexical.of_pages(corpus)
    words = [
        [word.lower().strip(".") for text in sentences_of(page) for word in text.split() if word != "the"]
        for page in range(corpus.pages)
    ]
    mean = sum(map(len, words)) / len(words)
    query = corpus.words_of(range(3, 4))
    scores = lexical.scores(query)
    wanted = [corpus.vocabulary[word] for word in query if corpus.vocabulary[word] not in ("the", "[UNK]")]
    for page, document in enumerate(words):
        counts, expected = Counter(document), 0.0
        for word in wanted:
            df = sum(word in other for other in words)
            idf = math.log(1 + (len(words) - df + 0.5) / (df + 0.5))
            length = 0.9 * (1 - 0.4 + 0.4 * len(document) / mean)
            expected += idf * counts[word] / (counts[word] + length)
        assert scores[page] == pytest.approx(expected, rel=1e-5)
    rows, all_scores = lexical.best(query, 3)
    assert all_scores[rows].tolist() == sorted(scores.tolist(), reverse=True)[:3]


@pytest.mark.parametrize("queries", ["queries", "sentences"])
def test_a_group_is_bm25_s_best_others_that_it_retrieves_and_random_ones(queries, material, corpus):
    weak = OBJECTIVES.make("weak", queries=queries).on(material(negatives=5))
    for step in range(10):
        for _, pages, scores in weak.draw(step):
            assert len(set(pages.tolist())) == len(pages) == 6
            assert scores[0] == scores.max() > 0
            assert (scores[:3] > 0).all()


def test_queries_are_the_collection_s_in_tokens(material):
    made = material(queries=lambda: ["sparse solver", "a zebra of the graph"])
    weak = OBJECTIVES.make("weak").on(made)
    tokens = {tuple(made.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in made.queries()}
    assert {tuple(one.query.tolist()) for step in range(10) for one in weak.draw(step)} == tokens


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_a_query_without_a_token_is_passed_over(empty, material):
    texts = ["sparse solver", "a zebra of the graph"]
    texts.insert(empty, "\N{ZERO WIDTH SPACE}")
    made = material(queries=lambda: texts)
    found = [tokens.tolist() for tokens, _ in OBJECTIVES.make("weak").on(made).asked]
    assert found == [made.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    assert found[empty] == []


def test_bm25_s_best_for_a_word_is_a_page_that_has_it(material, corpus):
    weak = OBJECTIVES.make("weak").on(material(queries=lambda: ["solver"]))
    (number,) = np.flatnonzero([text == "solver" for text in corpus.vocabulary])
    for one in weak.draw(0):
        for page, score in zip(one.pages.tolist(), one.scores, strict=True):
            assert (number in corpus.words_of(corpus.of_page(page))) == (score > 0)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_the_mean_over_groups(loss, material, corpus):
    made = material()
    weak = OBJECTIVES.make("weak", queries="sentences", loss=loss, temperature=2.0).on(made)
    losses = []
    for query, pages, bm25 in weak.draw(0):
        texts = [corpus.tokens_of(corpus.of_page(page)) for page in pages.tolist()]
        scores = torch.stack([score_groups(made, [Group(query, [text])])[0, 0] for text in texts])
        losses.append(LOSSES[loss](scores[None], torch.from_numpy(bm25)[None], 2.0).item())
    outcome = weak(0)
    assert outcome.inputs == weak.inputs(batch=4, negatives=3) == 4 * 4
    assert outcome.loss.item() == pytest.approx(math.fsum(losses) / 4, rel=1e-5)


@pytest.mark.parametrize(("option", "value"), [("loss", "mse"), ("queries", "clicks")])
def test_unknown_options(option, value):
    with pytest.raises(InputError, match=rf"{option}: Input should be .* \(it says '{value}'\)"):
        OBJECTIVES.make("weak", **{option: value})


def test_queries_that_bm25_finds_nothing_for(material):
    weak = OBJECTIVES.make("weak").on(material(queries=lambda: ["zebra", "the"]))
    with pytest.raises(InputError, match="there was no query with a group of 4 pages"):
        weak.draw(0)
