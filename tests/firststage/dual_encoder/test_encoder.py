"""The dual encoder: what an embedding is, and what a folder remembers of it."""

import json
import shutil
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sirbench.backbones.checkpoint import load_encoder, load_tokenizer
from sirbench.firststage.dense import Dense
from sirbench.firststage.dual_encoder import encoder as module
from sirbench.firststage.dual_encoder.encoder import load_dual_encoder
from sirbench.machine.errors import InputError


@pytest.fixture
def encoder(learning):
    return load_dual_encoder(learning.start, learning.store, learning.compute, learning.device)


def by_hand(folder, text, pooling, limit):
    """The embedding of one text by transformers alone."""
    inputs = load_tokenizer(folder)(text, truncation=True, max_length=limit, return_tensors="pt")
    with torch.no_grad():
        states = load_encoder(folder).eval()(**inputs).last_hidden_state[0]
    return states.mean(dim=0) if pooling == "mean" else states[0]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_an_embedding_is_the_mean_state_or_that_of_cls(pooling, learning, texts):
    encoder = load_dual_encoder(
        learning.start, learning.store, learning.compute, learning.device, pooling=pooling
    )
    documents, rows = list(texts[0].values()), np.array([31, 0, 12, 31])
    with encoder.evaluating():
        embeddings = encoder.embed_documents(rows)
    # 40 tokens of a pair leave 37 for a document, which has one special token less around it alone.
    expected = torch.stack([by_hand(learning.start, documents[row], pooling, 39) for row in rows])
    assert embeddings.shape == (4, 16) and embeddings.dtype == torch.float32
    torch.testing.assert_close(embeddings, expected, atol=1e-5, rtol=0)
    assert float(embeddings.std(dim=0).max()) > 0.1  # which 1e-5 is small against


@pytest.fixture
def published(learning, tmp_path):
    """A checkpoint as castorini publishes ANCE's: the encoder, a linear layer and a norm on top of [CLS]."""
    folder = shutil.copytree(learning.start, tmp_path / "published")
    torch.manual_seed(3)
    head = {"embeddingHead.weight": torch.randn(5, 16), "embeddingHead.bias": torch.randn(5)}
    head |= {"norm.weight": torch.randn(5), "norm.bias": torch.randn(5)}
    save_file(load_file(folder / "model.safetensors") | head, folder / "model.safetensors")
    return folder, head


def test_a_published_projection_is_applied_and_kept(published, learning, texts, tmp_path):
    folder, head = published
    encoder = load_dual_encoder(folder, learning.store, learning.compute, learning.device)
    rows = np.array([31, 0, 12])
    with encoder.evaluating():
        embeddings = encoder.embed_documents(rows)
    documents = list(texts[0].values())
    states = torch.stack([by_hand(learning.start, documents[row], "cls", 39) for row in rows])
    linear = states @ head["embeddingHead.weight"].T + head["embeddingHead.bias"]
    mean, variance = linear.mean(dim=1, keepdim=True), linear.var(dim=1, keepdim=True, unbiased=False)
    expected = (linear - mean) / (variance + 1e-5).sqrt() * head["norm.weight"] + head["norm.bias"]
    assert embeddings.shape == (3, 5) == (3, encoder.width)
    torch.testing.assert_close(embeddings, expected, atol=1e-4, rtol=1e-4)
    (tmp_path / "saved").mkdir()
    encoder.save_pretrained(tmp_path / "saved")
    again = load_dual_encoder(tmp_path / "saved", learning.store, learning.compute, learning.device)
    assert again.pooling == "cls"
    with again.evaluating():
        assert torch.equal(again.embed_documents(rows), embeddings)


def test_a_projection_is_not_trained(published, learning):
    with pytest.raises(InputError, match=r"has a projection, which is not trained here; .* `steps: 0`"):
        Dense(negatives="in-batch").train(replace(learning, start=published[0]))


def test_no_step_takes_the_encoder_as_it_is(published, learning):
    """Whatever the policy: none of it is asked."""
    untrained = replace(learning, settings=learning.settings.model_copy(update={"steps": 0}))
    for start, pooling in ((learning.start, "mean"), (published[0], "cls")):
        encoder, progress = Dense().train(replace(untrained, start=start))
        assert encoder.pooling == pooling and progress.step == 0
        assert (learning.folder / "train.jsonl").read_text() == ""
        weights = load_file(start / "model.safetensors")
        assert all(torch.equal(value, weights[name]) for name, value in encoder.queries.state_dict().items())


def test_queries_are_embedded_from_their_tokens(encoder, learning):
    tokens = load_tokenizer(learning.start)("sparse matrix", add_special_tokens=False)["input_ids"]
    with encoder.evaluating():
        embedding = encoder.embed_queries([np.array(tokens)])[0]
    expected = by_hand(learning.start, "sparse matrix", "mean", 39)
    torch.testing.assert_close(embedding, expected, atol=1e-5, rtol=0)


def test_every_document_is_in_one_block_and_its_embedding_not_of_the_blocks_making(encoder, monkeypatch):
    def embeddings(size):
        monkeypatch.setattr(module, "BLOCK", size)
        with encoder.evaluating():
            rows, blocks = zip(*encoder.document_blocks("test"), strict=True)
        order = np.concatenate(rows).argsort()
        assert np.concatenate(rows)[order].tolist() == list(range(60))
        return torch.cat(blocks)[order], len(rows)

    (whole, one), (parts, many) = embeddings(1000), embeddings(7)
    assert one == 1 and many > 4
    assert torch.equal(whole, parts)
    with encoder.evaluating():
        torch.testing.assert_close(whole, encoder.embed_documents(np.arange(60)), atol=1e-6, rtol=0)


def test_a_gradient_cache_changes_nothing_dropout_included(encoder):
    def gradient(how):
        encoder.queries.train()
        torch.manual_seed(1)
        encoder.queries.zero_grad()
        embeddings = encoder.embed_documents(np.arange(20), how)
        (embeddings**3).sum().backward()
        return encoder.queries.embeddings.word_embeddings.weight.grad.clone()

    torch.testing.assert_close(gradient("cached"), gradient("kept"))


def test_evaluating_leaves_the_mode_as_it_was(encoder):
    encoder.queries.train()
    with encoder.evaluating():
        assert not encoder.queries.training
        assert torch.equal(encoder.embed_documents(np.arange(3)), encoder.embed_documents(np.arange(3)))
    assert encoder.queries.training


def test_no_texts_no_embeddings(encoder):
    assert encoder.embed_queries([]).shape == (0, 16)


def test_one_encoder_is_saved_once_and_two_are_told_apart(encoder, learning, tmp_path):
    def saved_and_loaded(encoder, name):
        (tmp_path / name).mkdir()
        encoder.save_pretrained(tmp_path / name)
        return load_dual_encoder(tmp_path / name, learning.store, learning.compute, learning.device)

    one = saved_and_loaded(encoder, "one")
    assert one.documents is one.queries
    two = load_dual_encoder(learning.start, learning.store, learning.compute, learning.device, separate=True)
    with torch.no_grad():
        two.queries.embeddings.word_embeddings.weight.add_(1)
    again = saved_and_loaded(two, "two")
    for side in ("queries", "documents"):
        mine, theirs = getattr(two, side).state_dict(), getattr(again, side).state_dict()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    assert not torch.equal(
        again.queries.embeddings.word_embeddings.weight, again.documents.embeddings.word_embeddings.weight
    )


def test_pooling_is_remembered_and_no_other_is_accepted(learning, tmp_path):
    def load(folder, pooling=None):
        return load_dual_encoder(folder, learning.store, learning.compute, learning.device, pooling=pooling)

    (tmp_path / "model").mkdir()
    load(learning.start, "cls").save_pretrained(tmp_path / "model")
    assert json.loads((tmp_path / "model/dual_encoder.json").read_text()) == {"pooling": "cls"}
    assert load(tmp_path / "model").pooling == load(tmp_path / "model", "cls").pooling == "cls"
    with pytest.raises(InputError, match=r"options\.pooling: mean, but .*model, was trained with cls"):
        load(tmp_path / "model", "mean")
    with pytest.raises(InputError, match=r"options\.pooling: 'max'; allowed: mean, cls"):
        load(learning.start, "max")


def test_more_tokens_than_positions_are_refused(encoder):
    store = copy(encoder.store)
    store.template = store.template._replace(max_tokens=513)
    with pytest.raises(InputError, match=r"input\.max_tokens=513 is more than the 512 positions"):
        replace(encoder, store=store)
