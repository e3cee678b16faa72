"""Dense retrieval from end to end: trained by the command line, killed, resumed; retrieved with."""

import hashlib
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.config import load
from sirbench.data import collections
from sirbench.data.runs import read_run, sort_run
from sirbench.data.tokens import TokenStore, tokenize_texts
from sirbench.firststage import Trained
from sirbench.firststage.dense import Dense
from sirbench.firststage.dual_encoder import encoder as encoders
from sirbench.firststage.dual_encoder.encoder import load_dual_encoder
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.backbone import fetch_backbone, tokenize
from sirbench.steps.candidates import make_candidates
from sirbench.steps.collection import make_collection
from sirbench.study import Compute, Input
from tests.checkouts import ROOT
from tests.training.jobs import Blow, sirbench

TRAINING = {"steps": 6, "batch": 5, "queries": 20, "learning_rate": 1e-3, "checkpoint_every": 2}
DENSE = {"first_stage": "dense", "backbone": "bert", "training": TRAINING}
STUDY = {
    "title": "small",
    "demonstration": True,
    "collection": {
        "train": "pydocs-sliver/train",
        "dev": "pydocs-sliver/dev",
        "train_queries": 4,
        "dev_queries": 3,
    },
    "candidates": {
        "random": DENSE | {"options": {"negatives": "random"}},
        "static": DENSE | {"options": {"negatives": {"name": "static", "top": 20}}},
        "star": DENSE | {"options": {"negatives": {"name": "star", "top": 20}}},
        "ance": DENSE
        | {"start": "star", "options": {"negatives": {"name": "ance", "top": 20, "refresh_every": 3}}},
        "adore": DENSE | {"start": "star", "options": {"negatives": {"name": "adore", "top": 20}}},
        "again": DENSE | {"start": "adore", "options": {"negatives": {"name": "adore", "top": 20}}},
        "wrong": DENSE | {"start": "adore", "options": {"negatives": "star"}},
    },
    "depth": 12,
    "backbones": {"bert": {"source": "tiny", "layers": 1, "hidden": 16, "heads": 2, "vocabulary": 500}},
    "group_sizes": {88: 6, 48: 4, 16: 3, 8: 2},
    "input": {"max_tokens": 32, "max_query_tokens": 12},
    "compute": {"gpus": 0, "chunk_tokens": 1024},
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, pydocs_sliver):
    """A working folder with all that training reads, `star` trained."""
    folder = tmp_path_factory.mktemp("dense") / "prepared"
    shutil.copytree(ROOT / "config", folder / "config")
    write_study(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config = load("small")
        make_collection(config)
        fetch_backbone(config, "bert")
        tokenize(config, "bert")
    ended = train(folder, "star")
    assert ended.code == 0, ended.output
    return folder


@pytest.fixture
def work(prepared, tmp_path):
    """A fresh copy of `prepared`."""
    return shutil.copytree(prepared, tmp_path / "work")


def write_study(folder, **candidates):
    """Write study `small` into a folder's config/, with more candidates, or others of the same name."""
    content = STUDY | {"candidates": STUDY["candidates"] | candidates}
    # In the order given: candidates stand below those that they start from.
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def train(folder, candidates, blow=None):
    return sirbench(folder, "train-first-stage", "--study", "small", "--candidates", candidates, blow=blow)


def learned(folder, candidates):
    return folder / Layout("small").learned(candidates).folder


def results(folder, candidates):
    """Checksums of the model, its documents' encoder if it has one, and the record."""
    root = learned(folder, candidates)
    paths = [*root.glob("model/**/*.safetensors"), root / "train.jsonl"]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def uninterrupted(prepared, tmp_path_factory):
    """Results of a policy that nothing stopped."""
    known = {}

    def of(candidates):
        if candidates not in known:
            folder = shutil.copytree(prepared, tmp_path_factory.mktemp("uninterrupted") / "work")
            ended = train(folder, candidates)
            assert ended.code == 0, ended.output
            known[candidates] = results(folder, candidates)
        return known[candidates]

    return of


TASK = "sirbench.firststage.dual_encoder.training.DenseTraining"
REPLACE = "sirbench.firststage.dual_encoder.hard_negatives.HardNegatives.replace"


@pytest.mark.parametrize(
    ("candidates", "blow"),
    [
        ("random", Blow("sirbench.training.loop.save_checkpoint", 2)),
        ("static", Blow(f"{TASK}.start", 1)),  # its negatives are there, and no checkpoint
        ("static", Blow(f"{TASK}.after", 3)),
        ("ance", Blow(f"{TASK}.after", 5)),  # two steps after the refresh, one after the checkpoint
        # The second refresh, after step 3, lies between the checkpoints of steps 2 and 4.
        ("ance", Blow(REPLACE, 2, "before")),
        ("ance", Blow(REPLACE, 2)),
        # Trained to the end, where a refresh would be due if there were a step after it.
        ("ance", Blow("sirbench.training.loop.save_checkpoint", 3)),
        ("adore", Blow(f"{TASK}.start", 1)),
        ("adore", Blow(f"{TASK}.after", 3)),
    ],
    ids=str,
)
def test_killed_and_started_again(candidates, blow, work, uninterrupted):
    assert train(work, candidates, blow).code == -signal.SIGKILL
    ended = train(work, candidates)
    assert ended.code == 0, ended.output
    assert results(work, candidates) == uninterrupted(candidates)
    assert not (learned(work, candidates) / "checkpoint").exists()


def test_policies_end_in_models_of_their_own(uninterrupted):
    models = [
        uninterrupted(name)["model/model.safetensors"] for name in ("random", "static", "ance", "adore")
    ]
    assert len(set(models)) == 4


def test_adore_keeps_the_documents_encoder_that_it_starts_from(work, uninterrupted):
    start = learned(work, "star") / "model/model.safetensors"
    model = uninterrupted("adore")
    assert model["model/documents/model.safetensors"] == hashlib.sha256(start.read_bytes()).hexdigest()
    assert model["model/model.safetensors"] != model["model/documents/model.safetensors"]


def test_only_adore_continues_from_adore(work, uninterrupted):
    assert train(work, "adore").code == train(work, "again").code == 0
    documents = "model/documents/model.safetensors"
    assert results(work, "again")[documents] == uninterrupted("adore")[documents]
    ended = train(work, "wrong")
    assert ended.code == 2
    assert "candidates.*.start: documents have an encoder of their own" in ended.output


def test_a_loss_that_is_no_number_names_candidates_and_step(work):
    write_study(work, hot=DENSE | {"training": TRAINING | {"learning_rate": 1e30}})
    ended = train(work, "hot")
    assert ended.code == 3
    assert "first stage hot: at step " in ended.output and "the loss is nan" in ended.output


@pytest.mark.parametrize("candidates", ["star", "adore"])
def test_the_run_is_the_highest_products_of_both_encoders(candidates, work, monkeypatch):
    assert candidates == "star" or train(work, candidates).code == 0
    monkeypatch.chdir(work)
    config, layout = load("small"), Layout("small")
    make_candidates(config, candidates)
    run = read_run(layout.candidates(candidates, "dev"))
    assert run.equals(sort_run(run))
    model, store = layout.learned(candidates).model, TokenStore(layout.tokens("bert"))
    encoder = load_dual_encoder(model, store, config.study.compute, torch.device("cpu"))
    queries = collections.load_queries(layout.queries("dev"))
    with encoder.evaluating():
        documents = encoder.embed_documents(np.arange(len(store.documents.ids))).double().numpy()
        tokens = tokenize_texts(load_tokenizer(model), queries.values(), 12)
        embedded = encoder.embed_queries(tokens).double().numpy()
    assert run["query_id"].unique().tolist() == list(queries)
    for query, embedding in zip(queries, embedded, strict=True):
        scores = pd.Series(documents @ embedding, index=store.documents.ids)
        mine = run[run["query_id"] == query].set_index("doc_id")["score"]
        assert len(mine) == 12
        np.testing.assert_allclose(mine, scores[mine.index], rtol=1e-5)
        assert mine.iloc[-1] >= scores.drop(mine.index).max() - 1e-4


@pytest.fixture
def trained(learned_by_nobody, tiny_store):
    compute = Compute(gpus=0, chunk_tokens=200)
    return Trained(learned_by_nobody, tiny_store, Input(), compute, torch.device("cpu"))


@pytest.fixture
def learned_by_nobody(tiny_backbone) -> Path:
    """A backbone is a dual encoder as it is: what retrieval without training would do."""
    return tiny_backbone


def test_more_than_there_is_cannot_be_retrieved(trained):
    with pytest.raises(InputError, match="depth: 61 is more than the 60 documents of the collection"):
        Dense().retrieve([], {"q": "matrix"}, trained=trained, depth=61)
    assert len(Dense().retrieve([], {"q": "matrix"}, trained=trained, depth=60)) == 60


def test_the_run_does_not_depend_on_the_size_of_a_block(trained, texts, monkeypatch):
    runs = []
    for size in (1, 17, 1000):
        monkeypatch.setattr(encoders, "BLOCK", size)
        runs.append(Dense().retrieve([], texts[1], trained=trained, depth=30))
    assert runs[0].equals(runs[1]) and runs[0].equals(runs[2])
    assert runs[0].dtypes.tolist() == sort_run(runs[0]).dtypes.tolist() and runs[0].equals(sort_run(runs[0]))
