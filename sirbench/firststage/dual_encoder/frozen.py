"""Embeddings of all documents by an encoder that does not change: computed once, searched at every step."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sirbench.firststage.dual_encoder.encoder import BLOCK, DualEncoder
from sirbench.machine.manifest import check_manifest, recorded_folder

PARTS = ("rows.npy", "embeddings.npy")


class FrozenDocuments:
    """The embeddings in a folder: on the GPU if there is one with room for them, otherwise memory-mapped."""

    def __init__(self, folder: Path, device: torch.device):
        check_manifest(folder)
        # Copy-on-write: torch has no tensors that cannot be written to.
        rows, embeddings = (np.load(folder / name, mmap_mode="c") for name in PARTS)
        self.device = device
        self.rows: np.ndarray = np.asarray(rows)
        self.places = np.argsort(self.rows)
        """Where the embedding of each row of documents is."""
        self.embeddings: Tensor = torch.from_numpy(embeddings)
        if device.type == "cuda" and embeddings.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            self.embeddings = self.embeddings.to(device)

    def of(self, rows: np.ndarray) -> Tensor:
        """Embeddings (..., width) of rows (...) of documents."""
        places = torch.from_numpy(self.places[rows]).to(self.embeddings.device)
        return self.embeddings[places].to(self.device)

    def blocks(self) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Rows and embeddings of all documents, for `search`."""
        for start in range(0, len(self.rows), BLOCK):
            block = slice(start, start + BLOCK)
            yield self.rows[block], self.embeddings[block].to(self.device)


def freeze_documents(encoder: DualEncoder, folder: Path, name: str) -> None:
    """Embed every document into a new folder, block by block."""
    count = len(encoder.store.documents.ids)
    with recorded_folder(folder) as temporary, encoder.evaluating():
        shapes = ((count,), (count, encoder.width))
        rows, embeddings = (
            np.lib.format.open_memmap(temporary / part, "w+", dtype, shape)
            for part, dtype, shape in zip(PARTS, (np.int64, np.float32), shapes, strict=True)
        )
        start = 0
        for block_rows, block in encoder.document_blocks(name):
            rows[start : start + len(block_rows)] = block_rows
            embeddings[start : start + len(block_rows)] = block.cpu().numpy()
            start += len(block_rows)
        rows.flush()
        embeddings.flush()
