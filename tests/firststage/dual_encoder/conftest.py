"""A small world to train dual encoders in: 60 documents, 9 queries, a BERT with one layer."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sirbench.backbones.checkpoint import load_encoder, load_tokenizer
from sirbench.data.documents import Document
from sirbench.data.tokens import tokenize_texts
from sirbench.firststage import Learning
from sirbench.firststage.dual_encoder.encoder import load_dual_encoder
from sirbench.firststage.dual_encoder.negatives import POLICIES
from sirbench.firststage.dual_encoder.queries import make_queries
from sirbench.study import Compute, FirstStageTraining, Input

POSITIVES = {f"q{i}": [f"d{5 * i + 3}"] for i in range(9)} | {"q0": ["d7", "d3", "d50"]}


@pytest.fixture(scope="session")
def start(tmp_path_factory, tiny_backbone) -> Path:
    """`tiny_backbone` with weights so large that texts are embedded apart, as drawn they nearly coincide."""
    folder = tmp_path_factory.mktemp("start") / "bert"
    shutil.copytree(tiny_backbone, folder)
    model = load_encoder(folder)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(20)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def learning(tmp_path, texts, start, tiny_store) -> Learning:
    """Ten steps of three queries; q0 has three judged positives, the others one."""
    documents, queries = texts
    return Learning(
        name="small",
        documents=lambda: (Document(*item) for item in documents.items()),
        queries=queries,
        positives=POSITIVES,
        start=start,
        store=tiny_store,
        input=Input(max_tokens=40, max_query_tokens=8),
        settings=FirstStageTraining(steps=10, batch=3, learning_rate=1e-2, checkpoint_every=1),
        compute=Compute(gpus=0, chunk_tokens=200, gradient_cache=False),
        device=torch.device("cpu"),
        folder=tmp_path / "checkpoint",
        fingerprint="one",
    )


@pytest.fixture
def make_policy(learning) -> Callable:
    """Makes a policy by name, as `dense.train` does; `start` is another checkpoint folder."""

    def make(name, start=learning.start, **options):
        policy = POLICIES.make(name, **options)
        learns = replace(learning, start=start)
        tokens = tokenize_texts(load_tokenizer(start), learning.queries.values(), 8)
        queries = make_queries(
            dict(zip(learning.queries, tokens, strict=True)), POSITIVES, learning.store.documents
        )
        encoder = load_dual_encoder(
            start, learning.store, learning.compute, learning.device, separate=policy.separate
        )
        encoder.queries.eval()  # without dropout
        return policy.on(learns, encoder, queries)

    return make
