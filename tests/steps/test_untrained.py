"""Recipe `none`: a backbone that ranks is scored as it is, and one that does not is refused."""

import json
import shutil

import pandas as pd
import pytest
import torch

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.config import load
from sirbench.data import collections
from sirbench.data.runs import read_run, write_run
from sirbench.data.tokens import build_token_store
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.folders import Cell
from sirbench.jobs.job import model_of
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.measured import is_measured
from sirbench.steps.evaluation import evaluate_cell
from sirbench.steps.reranking import rerank_cell
from sirbench.steps.training import train_cell
from sirbench.study import HubBackbone
from tests.checkouts import ROOT

CELL = Cell("test", "bm25", "bert", "none", 1)


@pytest.fixture
def config(tmp_path, monkeypatch, texts, tiny_backbone):
    """Study `test` whose backbone is a checkpoint with a head, as somebody may have published it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    config = load("test")
    layout = config.layout
    load_model(tiny_backbone, seed=7).save_pretrained(layout.backbone("bert"))
    load_tokenizer(tiny_backbone).save_pretrained(layout.backbone("bert"))
    documents, queries = texts
    build_token_store(
        *(layout.tokens("bert"), load_tokenizer(tiny_backbone), documents.items(), queries.items()),
        max_tokens=40,
        max_query_tokens=8,
    )
    run = [(query, f"d{place}", -float(place)) for query in queries for place in range(1, 11)]
    run = pd.DataFrame(run, columns=["query_id", "doc_id", "score"])
    write_run(run, layout.candidates("bm25", "dev"), tag="bm25")
    collections.write_queries(queries, layout.queries("dev"))
    qrels = pd.DataFrame({"query_id": list(queries), "doc_id": "d5", "relevance": 1})
    collections.write_qrels(qrels, layout.qrels("dev"))
    return config


def test_it_scores_with_the_checkpoint_s_own_head(config, texts):
    """As transformers scores the pair of texts."""
    train_cell(config, CELL)
    rerank_cell(config, CELL)
    folder = config.layout.backbone("bert")
    assert model_of(config, CELL) == folder
    model, tokenizer = load_model(folder, seed=99).eval(), load_tokenizer(folder)
    documents, queries = texts
    run = read_run(CELL.run)
    assert run.groupby("query_id").size().tolist() == [10] * len(queries)
    for line in run.sample(5, random_state=1).itertuples():
        pair = [queries[line.query_id], documents[line.doc_id]]
        batch = tokenizer(*pair, truncation="only_second", max_length=40, return_tensors="pt")
        with torch.no_grad():
            assert line.score == pytest.approx(float(model(**batch).logits), abs=1e-5)


def test_it_leaves_measures_and_a_provenance_that_says_so_and_nothing_of_a_training(config):
    train_cell(config, CELL)
    rerank_cell(config, CELL)
    evaluate_cell(config, CELL)
    assert sorted(path.name for path in CELL.folder.glob("[!.]*")) == [
        *("per_query.csv", "provenance.json", "run.ir_metadata.yaml", "run.trec.gz"),
    ]
    made = json.loads(CELL.provenance.read_text())
    assert made["job"] is None and "training" not in made and made["seconds"] == 0
    assert made["name"] == "none" and "start/model.safetensors" in made["inputs"]
    assert is_measured(config, CELL) and len(read_per_query(CELL.per_query)) == 9


def test_a_backbone_without_a_head_would_score_at_random_and_is_refused(config, tiny_backbone):
    folder = config.layout.backbone("bert")
    shutil.rmtree(folder)
    shutil.copytree(tiny_backbone, folder)
    with pytest.raises(InputError, match=f"^{folder}: this backbone does not rank: it has no head with one"):
        train_cell(config, CELL)
    assert not CELL.provenance.exists()


def test_a_head_of_two_labels_is_no_ranker(config):
    from transformers import AutoModelForSequenceClassification

    folder = config.layout.backbone("bert")
    AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=2, ignore_mismatched_sizes=True
    ).save_pretrained(folder)
    with pytest.raises(InputError, match="this backbone does not rank"):
        train_cell(config, CELL)


def test_without_network_a_public_checkpoint_is_named_with_what_to_do(tmp_path, monkeypatch):
    """Study `published`, where no hub can be reached."""
    from sirbench.backbones import make_backbone

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    spec = load("published", ROOT / "config").study.backbones["minilm-l6"]
    assert spec == HubBackbone(source="hub", name="cross-encoder/ms-marco-MiniLM-L6-v2")
    with pytest.raises(
        InputError,
        match=r"could not be had from the hub(.|\n)*`hf download cross-encoder/ms-marco-MiniLM-L6-v2`",
    ):
        make_backbone(spec, tmp_path / "backbone", list)
