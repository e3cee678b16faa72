"""Ma et al. 2021: two sets of words of a document's language model, and which of them is more of it."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.backbones.corpora import Page
from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store
from sirbench.backbones.drawing.groups import Group, score_groups
from sirbench.backbones.objectives import OBJECTIVES
from sirbench.backbones.objectives.prop import pairwise_hinge
from sirbench.machine.errors import InputError


@pytest.fixture
def small(tmp_path, tiny_backbone):
    """Two documents: `array array axis` and `array matrix shape shape shape`, with stop words among them."""
    pages = [
        Page("a", ["The array of the array and axis"]),
        Page("b", ["array, matrix shape shape shape 12"]),
    ]
    build_corpus_store(tmp_path / "store", load_tokenizer(tiny_backbone), pages)
    return CorpusStore(tmp_path / "store")


P = {
    "array": (2 + 4 * 3 / 8) / 7,
    "axis": (1 + 4 * 1 / 8) / 7,
    "shape": 4 * 3 / 8 / 7,
    "matrix": 4 * 1 / 8 / 7,
}
"""P(w | a) by hand: |a| = 3 content words, mu = 4 (the mean length), 8 content words in the corpus."""


@pytest.fixture
def prop(material, small):
    return OBJECTIVES.make("prop").on(material(corpus=small))


def document(prop, page):
    words = prop.material.corpus.words_of(prop.material.corpus.of_page(page))
    return words[prop.content[words]]


def test_the_document_language_model(prop, small):
    assert (prop.total, prop.mu) == (8, 4.0) and sum(P.values()) == pytest.approx(1)
    number = {text: i for i, text in enumerate(small.vocabulary)}
    for words in (["array"], ["axis", "shape"], ["shape", "shape", "array"], ["matrix"]):
        expected = math.fsum(math.log(P[word]) for word in words)
        found = prop.log_likelihood(np.array([number[word] for word in words]), document(prop, 0))
        assert found == pytest.approx(expected)


def test_words_are_drawn_from_it_and_stop_words_never(prop, small):
    draw = np.random.default_rng(1)
    often = Counter(small.vocabulary[word] for word in prop.sample(document(prop, 0), 20_000, draw))
    assert set(often) == set(P)
    for word, probability in P.items():
        assert abs(often[word] / 20_000 - probability) < 4 * math.sqrt(
            probability * (1 - probability) / 20_000
        )


def test_both_sets_have_one_length_and_the_first_is_the_more_likely(material, corpus):
    prop = OBJECTIVES.make("prop").on(material(batch=300))
    for page, more, less in prop.draw(0):
        assert len(more) == len(less) >= 1
        likelihoods = [prop.log_likelihood(words, document(prop, page)) for words in (more, less)]
        assert likelihoods[0] > likelihoods[1]


def test_lengths_are_poisson_s_without_zero(material):
    """Also rarely rejected: two sets of this corpus are hardly ever as likely as each other."""
    lengths = [len(one.more) for one in OBJECTIVES.make("prop").on(material(batch=2000)).draw(0)]
    seen = Counter(lengths)
    positive = 1 - math.exp(-3)
    # A set of one word has an equal twin more often, so length 1 is left out of the comparison.
    scale = sum(3**n * math.exp(-3) / math.factorial(n) / positive for n in range(2, 40))
    longer = sum(count for length, count in seen.items() if length > 1)
    for length in range(2, 8):
        expected = 3**length * math.exp(-3) / math.factorial(length) / positive / scale
        assert abs(seen[length] / longer - expected) < 5 * math.sqrt(expected / longer), length


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=5))
def test_the_hinge_is_the_paper_s(pairs):
    expected = [max(0.0, 1 - more + less) for more, less in pairs]
    found = pairwise_hinge(torch.tensor(pairs, dtype=torch.float64)).tolist()
    assert found == pytest.approx(expected)


def test_the_loss_is_the_mean_hinge_of_the_sets_scores_as_queries(material, corpus):
    made = material()
    prop = OBJECTIVES.make("prop").on(made)
    losses = []
    for page, *sets in prop.draw(4):
        text = corpus.tokens_of(corpus.of_page(page))
        more, less = (score_groups(made, [Group(corpus.tokens(words), [text])]).item() for words in sets)
        losses.append(max(0.0, 1 - more + less))
    outcome = prop(4)
    assert outcome.inputs == prop.inputs(batch=4, negatives=3) == 2 * 4
    assert outcome.loss.item() == pytest.approx(math.fsum(losses) / len(losses), rel=1e-5)


def test_two_orders_of_one_set_are_no_pair(prop, small):
    words = np.array([small.vocabulary.index(word) for word in ("array", "shape", "axis", "array")])
    likelihoods = {
        prop.log_likelihood(words[order], document(prop, 0)) for order in ([0, 1, 2, 3], [3, 2, 1, 0])
    }
    assert len(likelihoods) == 1


def test_a_corpus_of_stop_words(material, tiny_backbone, tmp_path):
    build_corpus_store(tmp_path / "store", load_tokenizer(tiny_backbone), [Page("a", ["The 12 of it."])])
    with pytest.raises(InputError, match="there is no word in it but stop words"):
        OBJECTIVES.make("prop").on(material(corpus=CorpusStore(tmp_path / "store")))


def test_a_corpus_of_one_word(material, tiny_backbone, tmp_path):
    build_corpus_store(tmp_path / "store", load_tokenizer(tiny_backbone), [Page("a", ["Array array."])])
    with pytest.raises(InputError, match="no page with two sets of words of different likelihood"):
        OBJECTIVES.make("prop").on(material(corpus=CorpusStore(tmp_path / "store"))).draw(0)
