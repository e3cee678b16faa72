"""Validation queries: nothing is trained on them or their near-duplicates; cells re-rank and measure them."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from sirbench.config import load
from sirbench.data import collections
from sirbench.data.runs import read_run, write_run
from sirbench.data.validation import read_held_out, write_held_out
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.folders import Cell
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from tests.checkouts import ROOT
from tests.training.conftest import STUDY

CELL = Cell("small", "bm25", "bert", "v0", 1)
LAYOUT = Layout("small")
WEAK = {
    "source": "pretrained",
    "start": "bert",
    "objectives": {"weak": 1},
    "corpus": {"source": "collection"},
    "steps": 2,
}


class StoppedError(Exception):
    """Ends a job where the test has seen enough."""


def write_study(folder, validation=5, **candidates):
    """Study `small` with validation queries, a first stage that learns and a backbone that asks queries."""
    content = STUDY | {
        "collection": STUDY["collection"] | ({"validation_queries": validation} if validation else {}),
        "backbones": STUDY["backbones"] | {"weak": WEAK},
        "candidates": STUDY["candidates"]
        | {"dense": {"first_stage": "dense", "backbone": "bert", "training": {"steps": 2}}, **candidates},
    }
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def made(tmp_path_factory, pydocs_sliver):
    """A working folder with queries, BM25's candidates, a backbone and its tokens."""
    from sirbench.steps.backbone import fetch_backbone, tokenize
    from sirbench.steps.candidates import make_candidates
    from sirbench.steps.collection import make_collection

    folder = tmp_path_factory.mktemp("validation") / "work"
    shutil.copytree(ROOT / "config", folder / "config")
    write_study(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config = load("small")
        make_collection(config)
        make_candidates(config, "bm25")
        fetch_backbone(config, "bert")
        tokenize(config, "bert")
    return folder


@pytest.fixture
def config(made, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "work"))
    return load("small")


def test_candidates_are_retrieved_as_for_dev_queries(config):
    validation = collections.load_queries(LAYOUT.queries("validation"))
    run = read_run(LAYOUT.candidates("bm25", "validation"))
    assert set(run["query_id"]) == set(validation) and len(validation) == 5
    assert run.groupby("query_id").size().max() == 12


def test_no_near_duplicate_of_a_validation_query_is_trained_on(config, pydocs_sliver):
    """By PyDocs' own clusters, of which none is on both sides."""
    lines = (pydocs_sliver / "clusters.tsv").read_text().splitlines()
    cluster = dict(line.split("\t") for line in lines)
    held_out = read_held_out(LAYOUT.held_out)
    every = collections.read_queries("pydocs-sliver/train")
    assert set(collections.load_queries(LAYOUT.queries("validation"))) <= held_out < set(every)
    assert not {cluster[it] for it in held_out} & {cluster[it] for it in every.keys() - held_out}
    assert not held_out & set(collections.load_queries(LAYOUT.queries("train")))


def test_a_first_stage_learns_from_none_of_them(config, monkeypatch):
    from sirbench.steps import first_stage

    seen = {}

    def train(learning):
        seen.update(queries=learning.queries, positives=learning.positives, made_from=learning.fingerprint)
        raise StoppedError

    monkeypatch.setattr(first_stage, "learner", lambda spec: SimpleNamespace(train=train))
    with pytest.raises(StoppedError):
        first_stage.train_first_stage(config, "dense")
    every, held_out = collections.read_queries("pydocs-sliver/train"), read_held_out(LAYOUT.held_out)
    assert set(seen["queries"]) == set(seen["positives"]) == set(every) - held_out
    before = seen["made_from"]
    write_held_out(held_out | {"another"}, LAYOUT.held_out)
    with pytest.raises(StoppedError):
        first_stage.train_first_stage(config, "dense")
    assert seen["made_from"] != before


def test_pre_training_asks_none_of_them(config, monkeypatch):
    from sirbench.steps import pretraining

    seen = {}

    def material(*, queries, **others):
        seen["queries"] = queries()
        raise StoppedError

    monkeypatch.setattr(pretraining, "Material", material)
    monkeypatch.setattr(pretraining, "CorpusStore", lambda folder: None)
    corpus = LAYOUT.corpus("any")
    corpus.mkdir(parents=True)
    monkeypatch.setattr(pretraining, "corpus_name", lambda study, name: "any")
    with pytest.raises(StoppedError):
        pretraining.pretrain_backbone(config, "weak")
    every, held_out = collections.read_queries("pydocs-sliver/train"), read_held_out(LAYOUT.held_out)
    assert seen["queries"] == [text for query_id, text in every.items() if query_id not in held_out]


def test_nobody_else_reads_training_queries_from_the_collection():
    """A new reader has to leave out those that are held out, too, and then to be named here."""
    readers = {
        path.relative_to(ROOT / "sirbench").as_posix()
        for path in (ROOT / "sirbench").rglob("*.py")
        if re.search(r"\b(read_queries|query_texts|all_queries|_iterate_queries)\(", path.read_text())
    }
    assert readers == {
        "data/collections.py",
        "data/sources.py",  # for the fingerprint of all
        "steps/collection.py",  # which holds them out
        "steps/first_stage.py",
        "steps/pretraining.py",
        "steps/query_set.py",  # to leave these out of further sets
    }


def test_only_what_reads_queries_depends_on_which_are_held_out():
    from sirbench.backbones.objectives import OBJECTIVES, reads_queries
    from sirbench.study import PretrainedBackbone

    def spec(name, **options):
        return PretrainedBackbone(**WEAK | {"objectives": {name: 1}, "options": {name: options}})

    assert {name for name in OBJECTIVES.names() if reads_queries(spec(name))} == {"weak"}
    assert not reads_queries(spec("weak", queries="sentences"))


def test_a_job_that_needs_them_before_they_are_chosen(config):
    from sirbench.steps.first_stage import train_first_stage

    LAYOUT.held_out.unlink()
    with pytest.raises(InputError, match=r"held-out\.txt: there is no such file; .* makes it"):
        train_first_stage(config, "dense")


@pytest.fixture
def reranked(config):
    """The backbone as a cell's model, measured on validation queries, with nothing of dev queries there."""
    from sirbench.steps.evaluation import evaluate_validation
    from sirbench.steps.reranking import rerank_validation

    shutil.copytree(LAYOUT.backbone("bert"), CELL.model)
    for path in (LAYOUT.queries("dev"), LAYOUT.qrels("dev"), LAYOUT.candidates("bm25", "dev")):
        path.unlink()
    rerank_validation(config, CELL)
    evaluate_validation(config, CELL)
    return config


def test_validation_queries_are_scored_as_from_a_token_store(reranked):
    from sirbench.backbones.checkpoint import load_model, load_tokenizer
    from sirbench.data.tokens import TokenStore, build_token_store
    from sirbench.encoding.cross_encoder import CrossEncoder

    build_token_store(
        Path("store"),
        load_tokenizer(LAYOUT.backbone("bert")),
        collections.iterate_documents("pydocs-sliver"),
        collections.load_queries(LAYOUT.queries("validation")).items(),
        max_tokens=32,
        max_query_tokens=12,
    )
    store, run = TokenStore(Path("store")), read_run(CELL.validation_run)
    encoder = CrossEncoder(load_model(CELL.model, seed=1).eval(), store)
    rows = (
        part.rows(run[key].to_numpy())
        for part, key in ((store.queries, "query_id"), (store.documents, "doc_id"))
    )
    np.testing.assert_allclose(run["score"], encoder.score(*rows).numpy(), rtol=0, atol=1e-6)
    assert run["score"].nunique() > 50
    candidates = read_run(LAYOUT.candidates("bm25", "validation"), depth=12)
    assert set(zip(run["query_id"], run["doc_id"], strict=True)) == set(
        zip(candidates["query_id"], candidates["doc_id"], strict=True)
    )


def test_their_measures_are_beside_those_of_dev_queries(reranked):
    measured = read_per_query(CELL.validation_per_query)
    assert list(measured.index) == list(collections.load_queries(LAYOUT.queries("validation")))
    run = read_run(CELL.validation_run)
    ranked = run.groupby("query_id")["doc_id"].agg(list)
    expected = [1 / (ranked[it].index(it) + 1) if it in ranked[it] else 0.0 for it in measured.index]
    assert list(measured["RR@100"]) == pytest.approx(expected)  # a query of PyDocs has its positive's id
    assert not CELL.per_query.exists() and not CELL.run.exists()


def test_a_study_without_validation_queries_says_what_to_add(config):
    from sirbench.steps.evaluation import evaluate_validation
    from sirbench.steps.reranking import rerank_validation

    write_study(Path(), validation=None)
    message = r"config/studies/small\.yaml: collection\.validation_queries: this key is missing, .*add e\.g\."
    for step in (rerank_validation, evaluate_validation):
        with pytest.raises(InputError, match=message):
            step(load("small"), CELL)


def test_given_runs_have_validation_queries_in_the_run_of_the_training_side(config):
    from sirbench.steps.candidates import make_candidates

    runs = {split: read_run(LAYOUT.candidates("bm25", split)) for split in ("train", "dev", "validation")}
    write_run(pd.concat([runs["train"], runs["validation"]]), Path("train.trec"), tag="given")
    write_run(runs["dev"], Path("dev.trec"), tag="given")
    write_study(Path(), mine={"train": "train.trec", "dev": "dev.trec"})
    make_candidates(load("small"), "mine")
    for split, run in runs.items():
        pd.testing.assert_frame_equal(read_run(LAYOUT.candidates("mine", split)), run)
