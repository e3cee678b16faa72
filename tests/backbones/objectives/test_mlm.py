"""Devlin et al. 2019, Task #1: 15 % of tokens are predicted, 80/10/10 of them masked, random, unchanged."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertForPreTraining

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.backbones.drawing.masking import IGNORED, mask_texts
from sirbench.backbones.objectives import OBJECTIVES
from sirbench.data.tokens import pair_template
from sirbench.machine.errors import InputError


@pytest.fixture
def masked(tiny_backbone):
    """Masks 4,000 texts of 33 tokens, all of them the token 40."""
    tokenizer = load_tokenizer(tiny_backbone)
    texts = [np.full(33, 40)] * 4000
    draw = np.random.default_rng(1)
    template = pair_template(tokenizer, 40)
    return mask_texts(texts, template, tokenizer, draw, rate=0.15, mask=0.8, random=0.1), tokenizer


def test_rates(masked):
    texts, tokenizer = masked
    chosen = texts.labels != IGNORED
    # round(.15 x 33) = 5 of each text, never one of the special tokens around it.
    assert (chosen.sum(axis=1) == 5).all() and not chosen[:, [0, -1]].any()
    became = texts.input_ids[chosen]
    assert (texts.labels[chosen] == 40).all() and (texts.input_ids[~chosen] == texts.originals[~chosen]).all()
    count, vocabulary = len(became), len(tokenizer)
    # Of the random tokens, one in the size of the vocabulary is the mask, and one the original.
    mask, same = (became == tokenizer.mask_token_id).mean(), (became == 40).mean()
    assert abs(mask - (0.8 + 0.1 / vocabulary)) < 4 * math.sqrt(0.8 * 0.2 / count)
    assert abs(same - (0.1 + 0.1 / vocabulary)) < 4 * math.sqrt(0.1 * 0.9 / count)
    others = np.bincount(became, minlength=vocabulary)
    assert (np.delete(others, [40, tokenizer.mask_token_id]) > 0).all()


def test_every_position_is_chosen_as_often(masked):
    often = (masked[0].labels != IGNORED)[:, 1:-1].mean(axis=0)
    assert np.abs(often - 5 / 33).max() < 4 * math.sqrt(5 / 33 * 28 / 33 / 4000)


def test_originals_come_back_and_short_texts_have_one_token_chosen(tiny_backbone):
    tokenizer = load_tokenizer(tiny_backbone)
    template = pair_template(tokenizer, 40)
    texts = [np.array([7]), np.arange(10, 13), np.arange(60) % 50]
    done = mask_texts(texts, template, tokenizer, np.random.default_rng(3), rate=0.15)
    assert (done.labels != IGNORED).sum(axis=1).tolist() == [1, 1, round(0.15 * 38)]
    for row, text in enumerate(texts):
        whole = [tokenizer.cls_token_id, *text[:38], tokenizer.sep_token_id]
        assert done.originals[row, : len(whole)].tolist() == whole
        assert done.attention_mask[row].tolist() == [1] * len(whole) + [0] * (40 - len(whole))
    # Without shares for others, every chosen token is masked.
    assert (done.input_ids[done.labels != IGNORED] == tokenizer.mask_token_id).all()


def test_the_loss_is_the_mean_cross_entropy_of_the_chosen_tokens(material):
    mlm = OBJECTIVES.make("mlm").on(material())
    texts = mlm.draw(step=3)
    with torch.no_grad():
        logits = mlm.model(
            input_ids=torch.from_numpy(texts.input_ids), attention_mask=torch.from_numpy(texts.attention_mask)
        ).logits.double()
    entropies = []
    for row, column in np.argwhere(texts.labels != IGNORED):
        values = logits[row, column].tolist()
        highest = max(values)
        normal = highest + math.log(math.fsum(math.exp(value - highest) for value in values))
        entropies.append(normal - values[texts.labels[row, column]])
    outcome = mlm(3)
    assert outcome.inputs == mlm.inputs(batch=4, negatives=3) == 4 and len(entropies) > 4
    assert outcome.loss.item() == pytest.approx(math.fsum(entropies) / len(entropies), rel=1e-5)


def test_texts_are_passages_of_the_corpus(material, corpus):
    mlm = OBJECTIVES.make("mlm").on(material())
    passages = [
        corpus.tokens_of(passage).tolist()
        for page in range(corpus.pages)
        for passage in corpus.passages(page, 38)
    ]
    texts = mlm.draw(0)
    for text, mask in zip(texts.originals, texts.attention_mask, strict=True):
        assert text[1 : mask.sum() - 1].tolist() in passages
    assert not np.array_equal(texts.originals, mlm.draw(1).originals)


def test_the_encoder_is_the_one_that_is_trained(material):
    made = material()
    mlm = OBJECTIVES.make("mlm").on(made)
    mlm(0).loss.backward()
    words = made.model.base_model.get_input_embeddings().weight
    assert mlm.model.base_model is made.model.base_model and words.grad.abs().sum() > 0
    # BERT predicts with its embeddings.
    assert mlm.model.get_output_embeddings().weight is words
    assert made.model.classifier.weight.grad is None


def test_a_checkpoint_with_bert_s_head_keeps_it_and_another_gets_one_by_seed(
    material, tiny_backbone, tmp_path
):
    name = "cls.predictions.transform.dense.weight"
    model = BertForPreTraining.from_pretrained(tiny_backbone)
    model.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights[name] = weights[name] + 1
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    load_tokenizer(tiny_backbone).save_pretrained(tmp_path)

    def head(**changes):
        return OBJECTIVES.make("mlm").on(material(**changes)).model.cls.predictions.transform.dense.weight

    assert torch.equal(head(start=tmp_path), weights[name])
    assert torch.equal(head(), head()) and not torch.equal(head(), head(seed=2))


def test_a_tokenizer_without_a_mask(material):
    made = material()
    made.tokenizer.mask_token = None
    with pytest.raises(InputError, match="the tokenizer has no token to mask with"):
        OBJECTIVES.make("mlm").on(made).draw(0)
