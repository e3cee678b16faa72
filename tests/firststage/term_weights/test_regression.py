"""The regression: whose predictions come out where, its loss, and that it learns."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sirbench.backbones.checkpoint import load_token_regression, load_tokenizer
from sirbench.firststage.lexical.words import Words
from sirbench.firststage.term_weights.labels import query_term_recall
from sirbench.firststage.term_weights.passages import passage_cutter
from sirbench.firststage.term_weights.regression import RegressionTraining, TokenRegression
from sirbench.machine.errors import TrainingError
from sirbench.study import FirstStageTraining
from sirbench.training.loop import train
from sirbench.training.schedule import Schedule


@pytest.fixture
def world(texts, tiny_backbone):
    """A new regression on the tiny backbone, and the passages of all documents, of 20 tokens."""
    tokenizer, words = load_tokenizer(tiny_backbone), Words()
    cut = passage_cutter(tokenizer, words, passage_tokens=20, max_passages=0)
    passages = [passage for document in cut(list(texts[0].values())) for passage in document]
    model = load_token_regression(tiny_backbone, seed=1)
    regression = TokenRegression(model, tokenizer, chunk_tokens=200)
    return SimpleNamespace(model=model, tokenizer=tokenizer, words=words, passages=passages, on=regression)


def task(world, labels, folder, **settings):
    return RegressionTraining(
        name="hdct",
        model=world.model,
        settings=FirstStageTraining(**settings),
        folder=folder,
        fingerprint="",
        regression=world.on,
        passages=world.passages,
        labels=labels,
    )


def alone(world, passage):
    """Predictions for a passage as the model makes them without batches or padding."""
    before, after = world.tokenizer.cls_token_id, world.tokenizer.sep_token_id
    tokens = torch.tensor([[before, *passage.tokens.tolist(), after]])
    outputs = world.model(input_ids=tokens).logits[0, 1:, 0]
    return outputs[torch.from_numpy(passage.pieces).long()]


def test_predictions_come_in_the_order_of_passages_and_words(world):
    predicted = world.on.predict(world.passages)
    assert len(list(world.on.predictions(world.passages))) > 5
    for passage, found in zip(world.passages, predicted, strict=True):
        expected = alone(world, passage).detach().numpy()
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert world.on.predict([]) == []


def test_the_loss_is_the_mean_over_words_and_its_gradient_does_not_depend_on_chunks(world, tmp_path):
    world.model.eval()  # no dropout
    labels = [np.arange(len(passage.words), dtype=np.float32) / 10 for passage in world.passages]
    one = task(world, labels, tmp_path, steps=5, batch=12)
    losses, gradients = [], []
    for chunk_tokens in (64, 10_000):
        world.on.chunk_tokens = chunk_tokens
        world.model.zero_grad()
        losses.append(one.forward_backward(2).loss)
        gradients.append(world.model.classifier.weight.grad.clone())
    torch.testing.assert_close(*gradients)

    _, chosen = Schedule(len(world.passages), 12, 1, seed=1).at(2)
    errors = [
        (float(value) - float(label)) ** 2
        for i in chosen
        for value, label in zip(alone(world, world.passages[i]).tolist(), labels[i], strict=True)
    ]
    assert losses == pytest.approx([sum(errors) / len(errors)] * 2, rel=1e-5)


def rank_above(world, labels):
    """How often a word with a label is predicted above one without, over all such pairs (0.5 is chance)."""
    predicted, labels = np.concatenate(world.on.predict(world.passages)), np.concatenate(labels)
    return (predicted[labels > 0][:, None] > predicted[labels == 0][None]).mean()


def test_it_learns_which_words_are_asked_for(world, tmp_path):
    asked = [world.words.known("matrix graph sparse kernel")]
    labels = [query_term_recall(passage.words, asked) for passage in world.passages]
    assert 0.2 < np.concatenate(labels).mean() < 0.3  # 4 of 16 words
    before = rank_above(world, labels)
    train(task(world, labels, tmp_path, steps=60, batch=8, learning_rate=1e-2))
    assert before < 0.8
    assert rank_above(world, labels) > 0.99


def test_a_diverging_run_names_the_step(world, tmp_path):
    labels = [np.full(len(passage.words), np.inf, dtype=np.float32) for passage in world.passages]
    with pytest.raises(TrainingError, match="hdct: at step 0 the loss is inf"):
        train(task(world, labels, tmp_path, steps=3, batch=4))
