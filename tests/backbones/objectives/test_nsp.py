"""Devlin et al. 2019, Task #2: B follows A, or is of another document, each half of the time."""

import math

import numpy as np
import pytest
import torch

from sirbench.backbones.objectives import OBJECTIVES
from sirbench.backbones.objectives.nsp import FOLLOWS
from sirbench.data.tokens import pair_template
from sirbench.machine.errors import InputError


def contains(whole, part):
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def test_b_follows_a_half_of_the_time_and_is_of_another_page_otherwise(material, corpus):
    nsp = OBJECTIVES.make("nsp").on(material(batch=200))
    spans = [one for step in range(3) for one in nsp.draw(step)]
    texts = [corpus.tokens_of(corpus.of_page(page)).tolist() for page in range(corpus.pages)]
    for first, second, label in spans:
        assert len(first) + len(second) <= nsp.material.template.max_tokens - nsp.material.template.special
        both = [*first.tolist(), *second.tolist()]
        assert any(contains(text, first.tolist()) for text in texts)
        assert any(contains(text, second.tolist()) for text in texts)
        if label == FOLLOWS:
            assert any(contains(text, both) for text in texts)
    share = np.mean([one.label == FOLLOWS for one in spans])
    assert abs(share - 0.5) < 4 * math.sqrt(0.25 / len(spans))


def test_the_loss_is_the_mean_cross_entropy(material):
    nsp = OBJECTIVES.make("nsp").on(material())
    template, losses = nsp.material.template, []
    for first, second, label in nsp.draw(0):
        ids = [*template.before, *first, *template.between, *second, *template.after]
        types = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        with torch.no_grad():
            logits = nsp.model(torch.tensor([ids]), token_type_ids=torch.tensor([types])).logits[0].tolist()
        losses.append(math.log(math.exp(logits[0]) + math.exp(logits[1])) - logits[label])
    assert nsp(0).loss.item() == pytest.approx(math.fsum(losses) / 4, rel=1e-5)


def test_what_has_no_such_head(material, tiny_electra):
    with pytest.raises(InputError, match="AutoModelForNextSentencePrediction has no such architecture"):
        OBJECTIVES.make("nsp").on(material(tiny_electra))


def test_no_passage_of_two_sentences(material):
    made = material()
    short = made.template._replace(max_tokens=made.template.special + 8)
    assert pair_template(made.tokenizer, 40).special == short.special
    with pytest.raises(InputError, match="there was no passage of two sentences"):
        OBJECTIVES.make("nsp").on(material(template=short)).draw(0)
