"""Lee et al. 2019: a sentence and its passage, from which it is removed in 90 % of the examples."""

import math

import numpy as np
import pytest

from sirbench.backbones.drawing.groups import Group, score_groups
from sirbench.backbones.drawing.lexical import Lexical
from sirbench.backbones.objectives import OBJECTIVES
from sirbench.backbones.objectives.ict import Cloze, passage_tokens
from sirbench.machine.errors import InputError


def test_the_sentence_is_removed_nine_times_in_ten(material):
    clozes, _ = OBJECTIVES.make("ict").on(material(batch=2000)).draw(0)
    share = np.mean([cloze.removed for cloze in clozes])
    assert abs(share - 0.9) < 4 * math.sqrt(0.09 / 2000)
    assert all(cloze.sentence in cloze.passage and len(cloze.passage) > 1 for cloze in clozes)


@pytest.mark.parametrize(("removal", "removed"), [(0.0, False), (1.0, True)])
def test_removal_is_an_option(removal, removed, material):
    clozes, _ = OBJECTIVES.make("ict", removal=removal).on(material()).draw(0)
    assert {cloze.removed for cloze in clozes} == {removed}


def test_what_is_left_of_a_passage(material, corpus):
    first = corpus.of_page(2).start
    sentences = [corpus.tokens_of(range(first + i, first + i + 1)).tolist() for i in range(3)]
    whole = range(first, first + 3)

    def left(sentence, removed):
        return passage_tokens(material(), Cloze(first + sentence, whole, removed)).tolist()

    assert left(0, True) == sentences[1] + sentences[2]
    assert left(1, True) == sentences[0] + sentences[2]
    assert left(2, True) == sentences[0] + sentences[1]
    assert left(1, False) == sentences[0] + sentences[1] + sentences[2]


@pytest.mark.parametrize("hard", ["page", "bm25", "none"])
def test_the_other_passages_are_different_ones_and_never_the_sentence_s(hard, material):
    ict = OBJECTIVES.make("ict", hard=hard).on(material(negatives=5))
    for step in range(20):
        for cloze, others in zip(*ict.draw(step), strict=True):
            assert len(others) == len(set(others)) == 5
            assert cloze.passage not in others


def test_hard_passages_are_of_the_same_page_for_up_to_half_of_the_group(material, corpus):
    ict = OBJECTIVES.make("ict").on(
        material(max_query_tokens=14, negatives=3)
    )  # 23 tokens: two sentences a passage
    for cloze, others in zip(*ict.draw(0), strict=True):
        page = corpus.page_of(cloze.sentence)
        same = len(corpus.passages(page, 23)) - 1
        assert [corpus.page_of(other.start) for other in others][: min(same, 2)] == [page] * min(same, 2)


def test_hard_passages_are_bm25_s_best(material, corpus):
    made = material()
    ict = OBJECTIVES.make("ict", hard="bm25").on(made)
    lexical = Lexical.of_passages(corpus, made.passage_tokens)
    for cloze, others in zip(*ict.draw(0), strict=True):
        words = corpus.words_of(range(cloze.sentence, cloze.sentence + 1))
        ranking = [lexical.texts[row] for row in lexical.best(words, 4)[0]]
        assert others[:2] == [passage for passage in ranking if passage != cloze.passage][:2]


def test_the_others_of_the_batch_come_before_random_ones(material):
    clozes, others = OBJECTIVES.make("ict", hard="none").on(material()).draw(0)
    for cloze, chosen in zip(clozes, others, strict=True):
        of_batch = {one.passage for one in clozes} - {cloze.passage}
        assert set(chosen[: len(of_batch)]) == of_batch


def test_the_loss_is_minus_the_log_of_p_ict(material, corpus):
    made = material()
    ict = OBJECTIVES.make("ict").on(made)
    losses = []
    for cloze, others in zip(*ict.draw(2), strict=True):
        sentence = corpus.tokens_of(range(cloze.sentence, cloze.sentence + 1))
        passages = [passage_tokens(made, cloze), *map(corpus.tokens_of, others)]
        # One pair at a time, apart from the others.
        scores = [score_groups(made, [Group(sentence, [passage])]).item() for passage in passages]
        losses.append(-math.log(math.exp(scores[0]) / math.fsum(map(math.exp, scores))))
    outcome = ict(2)
    assert outcome.inputs == ict.inputs(batch=4, negatives=3) == 4 * 4
    assert outcome.loss.item() == pytest.approx(math.fsum(losses) / len(losses), rel=1e-5)


def test_a_corpus_with_too_few_passages(material):
    with pytest.raises(InputError, match="there was no choice of 300 other passages"):
        OBJECTIVES.make("ict").on(material(negatives=300)).draw(0)


def test_an_unknown_source_of_hard_passages():
    with pytest.raises(InputError, match="hard: Input should be 'page', 'bm25' or 'none'"):
        OBJECTIVES.make("ict", hard="bm52")
