"""Embeddings of pairs: the encoder's last hidden state at [CLS], beside the score of the same forward."""

import numpy as np
import pytest
import torch

from sirbench.backbones import make_backbone
from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.study import TinyBackbone


@pytest.fixture(scope="module")
def pairs():
    draw = np.random.default_rng(1)
    return draw.integers(0, 9, 23), draw.permutation(60)[:23]


@pytest.fixture(scope="module", params=["bert", "electra"])
def folder(request, tmp_path_factory, texts):
    """The token store of `tiny_backbone` serves both: the vocabulary is drawn from the same texts."""
    folder = tmp_path_factory.mktemp("embedding") / request.param
    sizes = {"layers": 2, "hidden": 16, "heads": 2, "vocabulary": 120}
    spec = TinyBackbone(source="tiny", architecture=request.param, **sizes)
    make_backbone(spec, folder, lambda: texts[0].values())
    return folder


def test_embeddings_are_the_last_hidden_state_at_the_first_token(folder, tiny_store, texts, pairs):
    model, tokenizer = load_model(folder, seed=1).eval(), load_tokenizer(folder)
    with torch.no_grad():  # as drawn, all pairs are embedded alike
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(20)
    documents, queries = (list(part.values()) for part in texts)
    expected = []
    for query, document in zip(*pairs, strict=True):
        inputs = tokenizer(
            *([queries[query]], [documents[document]]),
            truncation="only_second",
            max_length=40,
            return_tensors="pt",
        )
        with torch.no_grad():
            expected.append(model(**inputs, output_hidden_states=True).hidden_states[-1][0, 0])
    encoder = CrossEncoder(model, tiny_store, chunk_tokens=80)
    scores, embeddings = encoder.embed(*pairs)
    assert embeddings.shape == (23, 16) and embeddings.dtype == torch.float32
    torch.testing.assert_close(embeddings, torch.stack(expected), atol=1e-5, rtol=0)
    torch.testing.assert_close(scores, encoder.score(*pairs), atol=1e-6, rtol=0)
    assert float(embeddings.std(dim=0).max()) > 0.1  # which 1e-5 is small against


def test_embedding_leaves_no_trace_in_the_model(tiny_backbone, tiny_store, pairs):
    model = load_model(tiny_backbone, seed=1).eval()
    CrossEncoder(model, tiny_store).embed(*pairs)
    assert not model.base_model._forward_hooks


def test_no_pairs_no_embeddings(tiny_backbone, tiny_store):
    nothing = np.array([], dtype=np.int64)
    encoder = CrossEncoder(load_model(tiny_backbone, seed=1).eval(), tiny_store)
    scores, embeddings = encoder.embed(nothing, nothing)
    assert scores.shape == (0,) and embeddings.shape == (0, 16)
