"""The dual encoder: one vector for a query, one for a document; their dot product is the score.

    s(q, d) = <E(q), E(d)>

E(text) is the encoder's last hidden state at [CLS], or its mean over all tokens of the text, special tokens
included. ANCE (Xiong et al., ICLR 2021), STAR and ADORE (Zhan et al., SIGIR 2021) take [CLS] of RoBERTa
and add a linear layer and a norm, which are kept where a checkpoint has them (`projection.py`). No other
checkpoint gets such layers.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel

from sirbench.backbones.checkpoint import load_encoder
from sirbench.data.tokens import TokenStore
from sirbench.encoding.chunks import Chunk, ChunkedModel, Gradient, in_order
from sirbench.encoding.positions import check_positions
from sirbench.firststage.dual_encoder.projection import WEIGHTS, load_projection, projection_weights
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.study import Compute

Pooling = Literal["mean", "cls"]

SETTINGS = "dual_encoder.json"
"""File beside the checkpoint of a trained dual encoder: its pooling."""
DOCUMENTS = "documents"
"""Subfolder of the documents' encoder, if it is not that of the queries."""
DEFAULT_POOLING: Pooling = "mean"
"""Better than `cls` for MiniLM without training, the one encoder that was measured (docs/first-stages.md)."""
BLOCK = 16384
"""Documents in a block of embeddings: 50 MB at a width of 768."""


@dataclass(frozen=True)
class DualEncoder:
    """Encoders of queries and of documents, usually one and the same, over the documents of a token store."""

    queries: PreTrainedModel
    documents: PreTrainedModel
    pooling: Pooling
    store: TokenStore
    compute: Compute
    projection: nn.Sequential | None = None
    """The layers that a published checkpoint has on top of both encoders; they are not trained."""

    def __post_init__(self) -> None:
        check_positions(self.queries, self.store.template.max_tokens)

    @property
    def device(self) -> torch.device:
        """The device of the encoders."""
        device: torch.device = next(self.queries.parameters()).device
        return device

    @property
    def width(self) -> int:
        """The width of an embedding."""
        if self.projection is None:
            return int(self.queries.config.hidden_size)
        return len(next(self.projection.parameters()))

    def embed_queries(
        self, texts: Sequence[np.ndarray], gradient: Gradient = "none", name: str | None = None
    ) -> Tensor:
        """Embeddings (texts, width) float32 of queries, each given as its tokens without special ones.

        A `name` shows progress under it.
        """
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        chunks = self._chunks(self.queries, lengths, texts.__getitem__, gradient)
        return in_order(_shown(chunks, name, "queries", len(texts)), self._empty())

    def embed_documents(self, rows: np.ndarray, gradient: Gradient = "none") -> Tensor:
        """Embeddings (rows, width) float32 of rows of documents."""
        return in_order(self._document_chunks(rows, gradient), self._empty())

    def document_blocks(self, name: str) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Rows and embeddings of every document, in blocks of `BLOCK` or a little more.

        The longest documents come first, in chunks that depend on lengths and `compute.chunk_tokens` only, so
        the rounding of an embedding does not depend on its block.
        """
        count = len(self.store.documents.ids)
        rows, embeddings = [], []
        for chunk, embedded in _shown(self._document_chunks(np.arange(count)), name, "documents", count):
            rows.append(chunk)
            embeddings.append(embedded)
            if sum(map(len, rows)) >= BLOCK:
                yield np.concatenate(rows), torch.cat(embeddings)
                rows, embeddings = [], []
        if rows:
            yield np.concatenate(rows), torch.cat(embeddings)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Switch dropout and gradients off within the context."""
        modes = [(model, model.training) for model in (self.queries, self.documents)]
        try:
            with torch.inference_mode():
                for model, _ in modes:
                    model.eval()
                yield
        finally:
            for model, mode in modes:
                model.train(mode)

    def save_pretrained(self, folder: Path) -> None:
        """Write the files that `load_dual_encoder` reads into an existing folder."""
        self.queries.save_pretrained(folder)
        if self.documents is not self.queries:
            self.documents.save_pretrained(folder / DOCUMENTS)
        if self.projection is not None:
            weights = load_file(folder / WEIGHTS) | projection_weights(self.projection)
            save_file({name: weight.cpu() for name, weight in weights.items()}, folder / WEIGHTS)
        content = json.dumps({"pooling": self.pooling}, indent=2)
        (folder / SETTINGS).write_text(f"{content}\n", encoding="utf-8")

    def _document_chunks(self, rows: np.ndarray, gradient: Gradient = "none") -> Iterator[Chunk]:
        documents, template = self.store.documents, self.store.template
        # A store for MaxP has more of a document than one input has room for.
        room = template.max_tokens - template.special
        lengths = documents.lengths(rows).clip(max=room)
        return self._chunks(self.documents, lengths, lambda i: documents[rows[i]][:room], gradient)

    def _chunks(
        self,
        model: PreTrainedModel,
        lengths: np.ndarray,
        text: Callable[[int], np.ndarray],
        gradient: Gradient,
    ) -> Iterator[Chunk]:
        """Embeddings of texts, given by their lengths (texts,) and the tokens `text(i)` of each of them."""
        template = self.store.template
        return ChunkedModel(model, self.compute.chunk_tokens, self.compute.precision).chunks(
            lengths + template.special_of_single,
            lambda chunk: template.singles([text(i) for i in chunk]),
            self._pooled,
            gradient,
        )

    def _pooled(self, outputs: Any, mask: Tensor) -> Tensor:
        states: Tensor = outputs.last_hidden_state
        mask = mask[:, :, None]
        pooled = (states * mask).sum(dim=1) / mask.sum(dim=1) if self.pooling == "mean" else states[:, 0]
        return pooled if self.projection is None else self.projection(pooled)

    def _empty(self) -> Tensor:
        return torch.zeros(0, self.width, device=self.device)


def _shown(chunks: Iterable[Chunk], name: str | None, unit: str, total: int) -> Iterator[Chunk]:
    """The chunks, with a progress bar unless `name` is None."""
    with tqdm(desc=f"{name}: {unit}", total=total, unit=f" {unit}", delay=2, disable=not name) as bar:
        for chunk in chunks:
            bar.update(len(chunk[0]))
            yield chunk


def load_dual_encoder(
    folder: Path,
    store: TokenStore,
    compute: Compute,
    device: torch.device,
    *,
    pooling: Pooling | None = None,
    separate: bool = False,
) -> DualEncoder:
    """The dual encoder of a folder: a trained one, or a backbone that encodes both queries and documents.

    Args:
        folder: a checkpoint; a separate encoder of documents is in its subfolder `documents/`.
        store: the documents, in the tokens of the checkpoint's tokenizer.
        compute: the settings of the study.
        device: the device for the encoders.
        pooling: `mean` or `cls`; None: that of its training, or `DEFAULT_POOLING` for a backbone.
        separate: give documents an encoder of their own, a copy where the folder has none.

    Raises:
        InputError: the folder holds no checkpoint, or one that was trained with another pooling.
    """
    allowed = get_args(Pooling)
    if pooling not in (None, *allowed):
        raise InputError(f"candidates.*.options.pooling: {pooling!r}; allowed: {', '.join(allowed)}")
    before = trained_pooling(folder)
    if pooling is not None and before not in (None, pooling):
        raise InputError(
            f"candidates.*.options.pooling: {pooling}, but what it starts from, {folder}, was trained with "
            f"{before}; remove the option"
        )
    queries = documents = load_encoder(folder).to(device)
    if separate or (folder / DOCUMENTS).is_dir():
        documents = load_encoder(folder / DOCUMENTS if (folder / DOCUMENTS).is_dir() else folder).to(device)
    projection = load_projection(folder, device)
    # Only checkpoints of ANCE have a projection, and they were trained with [CLS].
    default: Pooling = DEFAULT_POOLING if projection is None else "cls"
    return DualEncoder(queries, documents, pooling or before or default, store, compute, projection)


def trained_pooling(folder: Path) -> Pooling | None:
    """The pooling of the trained dual encoder in a folder; None for a backbone."""
    path = folder / SETTINGS
    if not path.exists():
        return None
    pooling = read_object(path).get("pooling")
    if pooling not in get_args(Pooling):
        raise InputError(f"{path}: pooling: {pooling!r}; allowed: {', '.join(get_args(Pooling))}")
    return cast(Pooling, pooling)
