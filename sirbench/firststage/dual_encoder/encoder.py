"""The dual encoder: one vector for a query, one for a document, and their dot product is the score.

    s(q, d) = <E(q), E(d)>

E(text) is the encoder's last hidden state at [CLS], or the mean of it over all tokens of the text, special
ones included. ANCE (Xiong et al., ICLR 2021), STAR and ADORE (Zhan et al., SIGIR 2021) take [CLS] of RoBERTa,
and put a linear layer and a norm on it: `projection.py`, for checkpoints that have them. To others none are
added: any checkpoint serves as it is.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from tqdm import tqdm
from transformers import PreTrainedModel

from sirbench.backbones.checkpoint import load_encoder
from sirbench.data.tokens import TokenStore
from sirbench.encoding.chunks import chunks_by_length
from sirbench.encoding.positions import check_positions
from sirbench.encoding.precision import encoding
from sirbench.firststage.dual_encoder.projection import WEIGHTS, load_projection, projection_weights
from sirbench.machine.errors import InputError
from sirbench.study import Compute

Pooling = Literal["mean", "cls"]
Gradient = Literal["none", "kept", "cached"]

SETTINGS = "dual_encoder.json"
"""What a folder says of a trained dual encoder, beside its checkpoint."""
DOCUMENTS = "documents"
"""Where a folder holds the documents' encoder, if that is not the queries' one."""
DEFAULT_POOLING: Pooling = "mean"
"""Better than `cls` for MiniLM as it is, the one encoder that was measured (docs/first-stages.md)."""
BLOCK = 16384
"""Documents in a block of embeddings: 50 MB of them where they are 768 wide."""


@dataclass(frozen=True)
class DualEncoder:
    """Encoders of queries and of documents, mostly one and the same, over the documents of a token store."""

    queries: PreTrainedModel
    documents: PreTrainedModel
    pooling: Pooling
    store: TokenStore
    compute: Compute
    projection: nn.Module | None = None
    """What a published checkpoint puts on top of both; it is not trained."""

    def __post_init__(self):
        check_positions(self.queries, self.store.template.max_tokens)

    @property
    def device(self) -> torch.device:
        """Where the encoders are."""
        return self.queries.device

    @property
    def width(self) -> int:
        """How wide an embedding is."""
        width = self.queries.config.hidden_size
        return width if self.projection is None else self.projection[0].out_features

    def embed_queries(
        self, texts: Sequence[np.ndarray], gradient: Gradient = "none", name: str | None = None
    ) -> Tensor:
        """Embeddings (texts, width) float32 of queries, each given as its tokens without special ones.

        Progress is shown under a `name`.
        """
        with tqdm(
            desc=f"{name}: queries", total=len(texts), unit=" queries", delay=2, disable=not name
        ) as bar:
            return self._embed(self.queries, texts, gradient, bar)

    def embed_documents(self, rows: np.ndarray, gradient: Gradient = "none") -> Tensor:
        """Embeddings (rows, width) float32 of rows of documents."""
        return self._embed(self.documents, [self.store.documents[row] for row in rows], gradient)

    def document_blocks(self, name: str) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Rows and embeddings of every document, in blocks of `BLOCK` or a little more.

        Longest documents first, in chunks that depend on nothing but lengths and `compute.chunk_tokens`:
        what a document's embedding is rounded to does not depend on the block it is in.
        """
        table = self.store.documents
        lengths = self._lengths(table.lengths(np.arange(len(table.ids))))
        rows: list[np.ndarray] = []
        embeddings: list[Tensor] = []
        with tqdm(desc=f"{name}: documents", total=len(lengths), unit=" documents", delay=2) as bar:
            for chunk in chunks_by_length(lengths, self.compute.chunk_tokens):
                rows.append(chunk)
                embeddings.append(self.embed_documents(chunk))
                bar.update(len(chunk))
                if sum(map(len, rows)) >= BLOCK:
                    yield np.concatenate(rows), torch.cat(embeddings)
                    rows, embeddings = [], []
            if rows:
                yield np.concatenate(rows), torch.cat(embeddings)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """No dropout and no gradient within the block."""
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
        """Write what `load_dual_encoder` reads into an existing folder; the queries' encoder is its root."""
        self.queries.save_pretrained(folder)
        if self.documents is not self.queries:
            self.documents.save_pretrained(folder / DOCUMENTS)
        if self.projection is not None:
            weights = load_file(folder / WEIGHTS) | projection_weights(self.projection)
            save_file({name: weight.cpu() for name, weight in weights.items()}, folder / WEIGHTS)
        content = {"pooling": self.pooling}
        (folder / SETTINGS).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def _lengths(self, tokens: np.ndarray) -> np.ndarray:
        return tokens + len(self.store.template.before) + len(self.store.template.after)

    def _embed(
        self, model: nn.Module, texts: Sequence[np.ndarray], gradient: Gradient, bar: tqdm | None = None
    ) -> Tensor:
        """`gradient` as in `CrossEncoder.score`: none, with activations kept, or computed again."""

        def forward(*batch: Tensor) -> Tensor:
            return self._forward(model, *batch)

        def cached(*batch: Tensor) -> Tensor:
            return checkpoint(forward, *batch, use_reentrant=False, preserve_rng_state=True)

        order, values = [], [torch.zeros(0, self.width, device=self.device)]
        lengths = self._lengths(np.array([len(text) for text in texts], dtype=np.int64))
        with torch.inference_mode() if gradient == "none" else nullcontext():
            for chunk in chunks_by_length(lengths, self.compute.chunk_tokens):
                batch = self.store.singles([texts[i] for i in chunk])
                tensors = (torch.from_numpy(array).to(self.device, non_blocking=True) for array in batch)
                order.append(chunk)
                values.append((cached if gradient == "cached" else forward)(*tensors))
                if bar is not None:
                    bar.update(len(chunk))
            # argsort of a permutation is its inverse.
            original = np.concatenate([np.empty(0, np.int64), *order]).argsort()
            return torch.cat(values)[torch.from_numpy(original).to(self.device)]

    def _forward(
        self, model: nn.Module, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> Tensor:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if getattr(model.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = token_type_ids
        with encoding(model, self.compute.precision):
            states = model(**inputs).last_hidden_state
        mask = attention_mask[:, :, None]
        mean = self.pooling == "mean"
        pooled = (states * mask).sum(dim=1) / mask.sum(dim=1) if mean else states[:, 0]
        return pooled if self.projection is None else self.projection(pooled)


def load_dual_encoder(
    folder: Path,
    store: TokenStore,
    compute: Compute,
    device: torch.device,
    *,
    pooling: str | None = None,
    separate: bool = False,
) -> DualEncoder:
    """The dual encoder of a folder: one that was trained, or a backbone that serves both sides.

    Args:
        folder: a checkpoint, with the documents' own in `documents/` where it has one.
        store: the documents, in the tokens of the checkpoint's tokenizer.
        compute: of the study.
        device: where to put the encoders.
        pooling: `mean` or `cls`; None: as it was trained, and `DEFAULT_POOLING` for a backbone.
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
    projection = load_projection(folder)
    if projection is not None:
        projection.to(device)
    # ANCE's is the only kind of checkpoint with a projection, and was trained with [CLS].
    default = DEFAULT_POOLING if projection is None else "cls"
    return DualEncoder(queries, documents, pooling or before or default, store, compute, projection)


def trained_pooling(folder: Path) -> Pooling | None:
    """The pooling of the dual encoder that was trained into a folder; None for a backbone."""
    path = folder / SETTINGS
    return json.loads(path.read_text(encoding="utf-8"))["pooling"] if path.exists() else None
