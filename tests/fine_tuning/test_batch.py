"""Scores of blocks: each where its document is, and asked for without ever waiting for the device."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sirbench.backbones.checkpoint import load_model
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.batch import block_scorer, block_tensors
from sirbench.fine_tuning.blocks import Block

WAITING = ("_local_scalar_dense", "item", "is_nonzero", "nonzero", "masked_select", "equal", "unique")
"""Operations whose result a GPU has to send before Python can go on."""


class Operations(TorchDispatchMode):
    """Collects the names of what torch does."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


@pytest.fixture
def encoder(tiny_backbone, tiny_store):
    return CrossEncoder(load_model(tiny_backbone, seed=1).train(), tiny_store, chunk_tokens=150)


def make_block(query, documents):
    documents = np.array(documents)
    return Block(query, documents, np.arange(len(documents)), np.zeros(len(documents), dtype=np.float32))


@pytest.mark.parametrize("sizes", [(6, 6), (6, 3), (1, 4)], ids=str)
def test_scores_are_where_their_documents_are(sizes, encoder):
    encoder.model.eval()
    blocks = [make_block(query, np.arange(size) + 20 * query) for query, size in enumerate(sizes)]
    mask = block_tensors(blocks, encoder.device).mask
    positions = torch.arange(mask.shape[1] - 1, -1, -1).expand_as(mask) % mask.sum(dim=1, keepdim=True)
    scores = block_scorer(encoder, blocks, "kept")(positions, mask, gradient=True).detach()
    for block, row, places, real in zip(blocks, scores, positions, mask, strict=True):
        for score, place, is_real in zip(row, places, real, strict=True):
            one = encoder.score(np.array([block.query]), block.documents[[int(place)]])
            assert float(score) == (pytest.approx(float(one), abs=1e-6) if is_real else 0)


@pytest.mark.parametrize("how", ["kept", "cached"])
@pytest.mark.parametrize("sizes", [(6, 6), (6, 3)], ids=str)
def test_nothing_waits_for_the_device_within_a_level(sizes, how, encoder):
    blocks = [make_block(query, np.arange(size) + 20 * query) for query, size in enumerate(sizes)]
    mask = block_tensors(blocks, encoder.device).mask
    positions = torch.arange(mask.shape[1]).expand_as(mask)
    with Operations() as seen:
        block_scorer(encoder, blocks, how)(positions, mask, gradient=True).logsumexp(1).sum().backward()
    # Several chunks, some of them padded.
    assert seen.names.count("embedding") > 6 and "addmm" in seen.names
    assert set(WAITING).isdisjoint(seen.names)
    with Operations() as seen:
        bool(mask.all())
    assert not set(WAITING).isdisjoint(seen.names)
