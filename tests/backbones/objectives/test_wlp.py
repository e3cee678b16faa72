"""Chang et al. 2020: a sentence of a page's first section, a passage of a page that links to it."""

import math
from collections import Counter

import pytest

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.backbones.corpora import Page
from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store
from sirbench.backbones.drawing.groups import Group, score_groups
from sirbench.backbones.objectives import OBJECTIVES
from sirbench.machine.errors import InputError
from tests.backbones.conftest import LINKS


@pytest.fixture
def groups(material):
    wlp = OBJECTIVES.make("wlp").on(material())
    return [one for step in range(100) for one in wlp.draw(step)]


def test_the_passage_s_page_links_to_the_sentence_s(groups, corpus):
    for one in groups:
        page, source = corpus.page_of(one.sentence), corpus.page_of(one.passage.start)
        assert page in LINKS[source]
        assert one.sentence in corpus.lead(page)


def test_the_others_are_never_linked_in_either_direction(groups, corpus):
    for one in groups:
        page = corpus.page_of(one.sentence)
        for other in (corpus.page_of(passage.start) for passage in one.others):
            assert other != page
            assert other not in LINKS.get(page, ()) and page not in LINKS.get(other, ())


def test_every_linked_page_and_every_page_that_links_to_it_has_its_turn(groups, corpus):
    pairs = Counter((corpus.page_of(one.sentence), corpus.page_of(one.passage.start)) for one in groups)
    assert set(pairs) == {(target, source) for source, targets in LINKS.items() for target in targets}
    pages = Counter(target for target, _ in pairs.elements())
    # Each of 5 pages is as likely as another.
    assert all(abs(count / 400 - 0.2) < 4 * math.sqrt(0.16 / 400) for count in pages.values())


def test_the_loss_is_minus_the_log_of_the_softmax(material, corpus):
    made = material()
    wlp = OBJECTIVES.make("wlp").on(made)
    losses = []
    for one in wlp.draw(1):
        sentence = corpus.tokens_of(range(one.sentence, one.sentence + 1))
        passages = [corpus.tokens_of(passage) for passage in (one.passage, *one.others)]
        scores = [score_groups(made, [Group(sentence, [passage])]).item() for passage in passages]
        losses.append(-math.log(math.exp(scores[0]) / math.fsum(map(math.exp, scores))))
    assert wlp(1).loss.item() == pytest.approx(math.fsum(losses) / len(losses), rel=1e-5)


def test_a_corpus_without_links_is_refused_before_training(material, tiny_backbone, tmp_path):
    build_corpus_store(tmp_path / "store", load_tokenizer(tiny_backbone), [Page("a", ["Array."])])
    with pytest.raises(InputError, match=r"wlp learns from links between pages, and this corpus has none"):
        OBJECTIVES.make("wlp").on(material(corpus=CorpusStore(tmp_path / "store")))


def test_pages_that_are_all_linked(material, tiny_backbone, tmp_path):
    pages = [Page(name, ["Array axis."], links=["a", "b"]) for name in "ab"]
    build_corpus_store(tmp_path / "store", load_tokenizer(tiny_backbone), pages)
    with pytest.raises(InputError, match="no choice of 3 pages that are not linked with another"):
        OBJECTIVES.make("wlp").on(material(corpus=CorpusStore(tmp_path / "store"))).draw(0)
