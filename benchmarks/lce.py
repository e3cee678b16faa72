"""Training speed: LCE with 8 documents, against `CrossEncoderTrainer` of sentence-transformers."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from sentence_transformers import CrossEncoder as Peer
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import ListNetLoss
from torch import Tensor

from benchmarks.material import Material
from benchmarks.timing import Row, speedup, time_in_turn
from sirbench.backbones.checkpoint import load_model
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.encoding.precision import Precision
from sirbench.fine_tuning.blocks import TrainingQuery
from sirbench.fine_tuning.task import FineTuning, block_gradient
from sirbench.strategies.v0 import V0
from sirbench.study import Training
from sirbench.training.loop import train

DOCUMENTS = 8
BLOCKS = 4
"""Of a step."""
CHUNK_TOKENS = 2048
ONE_HOT = 100.0
"""The positive's label: ListNet's softmax of labels is then 1 for it, 0 for the others, and its loss LCE."""
SETTINGS = Training(blocks_per_step=BLOCKS, epochs=1, learning_rate=5e-5)


def run(material: Material) -> list[Row]:
    """In float32, and where the processor has bf16 each side in its own form of it, too."""
    precisions: list[Precision] = ["fp32"]
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        precisions.append("bf16")
    if material.quick:
        return compare(material, precision="fp32", max_tokens=64, blocks=8, rounds=1)
    return [
        row
        for precision in precisions
        for row in compare(material, precision=precision, max_tokens=128, blocks=16, rounds=3)
    ]


def compare(
    material: Material, *, precision: Precision, max_tokens: int, blocks: int, rounds: int
) -> list[Row]:
    """A step, which is forward and backward, and an epoch with everything that either loop does."""
    store = material.store(max_tokens)
    queries = groups(material, store, blocks)
    ours, theirs = Ours(material, store, queries, precision), Theirs(material, queries, max_tokens, precision)
    losses = [side.loss_without_dropout() for side in (ours, theirs)]
    assert np.isclose(*losses, rtol=1e-4 if precision == "fp32" else 2e-2), losses
    sides: dict[str, Callable[[], object]] = {
        "step": ours.step,
        "peer's step": lambda: theirs.step(BLOCKS * DOCUMENTS),
        "peer's step by default": lambda: theirs.step(BLOCKS),
        "epoch": ours.epoch,
        "peer's epoch": lambda: theirs.epoch(BLOCKS * DOCUMENTS),
        "peer's epoch by default": lambda: theirs.epoch(BLOCKS),
    }
    what = f"LCE, {max_tokens} tokens, {precision}"
    times = time_in_turn(sides, rounds, what)
    return [
        speedup(f"{what}: {peer} / ours", times[peer], times[mine], ">= 1.3")
        for mine in ("step", "epoch")
        for peer in (f"peer's {mine}", f"peer's {mine} by default")
    ]


def groups(material: Material, store: TokenStore, blocks: int) -> list[TrainingQuery]:
    """Candidates in groups of 8, each as the query of a block; the first one stands for the positive."""
    queries, documents = material.rows(store)
    starts = range(0, len(queries) - DOCUMENTS, DOCUMENTS)
    whole = [it for it in starts if len(set(queries[it : it + DOCUMENTS])) == 1]
    return [
        TrainingQuery(
            f"q{start}",
            int(queries[start]),
            documents[start : start + 1],
            documents[start + 1 : start + DOCUMENTS],
            np.arange(1, DOCUMENTS),
        )
        for start in whole[:: max(1, len(whole) // blocks)][:blocks]
    ]


class Ours:
    """V0 with cross entropy, its block as large as the group: the same documents in each epoch."""

    def __init__(
        self, material: Material, store: TokenStore, queries: list[TrainingQuery], precision: Precision
    ):
        self.queries = queries
        self.model = load_model(material.model_folder, seed=0)
        self.encoder = CrossEncoder(self.model, store, chunk_tokens=CHUNK_TOKENS, precision=precision)

    def task(self, folder: str) -> FineTuning:
        """A training of one epoch, its checkpoint in a folder."""
        return FineTuning(
            **{"name": "ours", "folder": Path(folder), "fingerprint": "", "model": self.model},
            **{
                "encoder": self.encoder,
                "queries": self.queries,
                "settings": SETTINGS,
                "epochs": 1,
                "seed": 1,
            },
            **{"strategy": V0(levels=[DOCUMENTS], loss="cross-entropy"), "gradient": "kept"},
        )

    def step(self) -> float:
        """The loss of the first blocks, and its gradient."""
        self.model.zero_grad(set_to_none=True)
        outcome, _ = block_gradient(self.task(tempfile.gettempdir()), 0, 0, np.arange(BLOCKS))
        return float(outcome.loss.detach().mean())

    def epoch(self) -> None:
        """A whole training, with its record, checkpoint and checks."""
        with tempfile.TemporaryDirectory() as folder:
            train(self.task(folder))

    def loss_without_dropout(self) -> float:
        """Of the first blocks."""
        self.model.eval()
        loss = self.step()
        self.model.train()
        return loss


class Theirs:
    """The same blocks as texts, as its trainer takes them."""

    def __init__(
        self, material: Material, queries: list[TrainingQuery], max_tokens: int, precision: Precision
    ):
        store = material.store(max_tokens)
        of_query = dict(
            zip(store.queries.rows(list(material.queries)), material.queries.values(), strict=True)
        )
        rows = store.documents.rows(list(material.documents))
        of_document = dict(zip(rows, material.documents.values(), strict=True))
        self.queries = [of_query[query.row] for query in queries]
        blocks = [np.concatenate([query.positives, query.negatives]).tolist() for query in queries]
        self.documents = [[of_document[row] for row in block] for block in blocks]
        self.labels = [[ONE_HOT] + [0.0] * (DOCUMENTS - 1)] * len(queries)
        self.model = Peer(
            str(material.model_folder), max_length=max_tokens, activation_fn=torch.nn.Identity(), device="cpu"
        )
        self.bf16 = precision == "bf16"
        disable_progress_bar()

    def loss(self, pairs: int) -> ListNetLoss:
        """LCE, so many pairs in a forward pass; its default is as many as a step has queries."""
        return ListNetLoss(self.model, activation_fn=torch.nn.Identity(), mini_batch_size=pairs)

    def step(self, pairs: int) -> float:
        """The loss of the first blocks, and its gradient."""
        self.model.zero_grad(set_to_none=True)
        labels = [torch.tensor(labels) for labels in self.labels[:BLOCKS]]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            loss: Tensor = self.loss(pairs)([self.queries[:BLOCKS], self.documents[:BLOCKS]], labels)
        loss.backward()
        return float(loss.detach())

    def epoch(self, pairs: int) -> None:
        """`CrossEncoderTrainer.train`, which saves nothing here."""
        texts = Dataset.from_dict({"query": self.queries, "documents": self.documents, "labels": self.labels})
        with tempfile.TemporaryDirectory() as folder:
            settings = CrossEncoderTrainingArguments(
                **{"output_dir": folder, "num_train_epochs": 1, "per_device_train_batch_size": BLOCKS},
                **{"learning_rate": SETTINGS.learning_rate, "bf16": self.bf16, "use_cpu": True},
                **{
                    "save_strategy": "no",
                    "report_to": "none",
                    "disable_tqdm": True,
                    "logging_strategy": "no",
                },
            )
            trainer = CrossEncoderTrainer(
                model=self.model, args=settings, train_dataset=texts, loss=self.loss(pairs)
            )
            trainer.train()

    def loss_without_dropout(self) -> float:
        """Of the first blocks."""
        self.model.eval()
        loss = self.step(BLOCKS * DOCUMENTS)
        self.model.train()
        return loss
