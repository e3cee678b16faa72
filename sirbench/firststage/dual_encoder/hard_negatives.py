"""Hard negatives: the top documents of each training query in some ranking, without its positives.

The search for them takes long, so they are kept beside the checkpoint, a file for each search, named by the
number of steps before it. A resumed job reads the file that was the latest at its checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from sirbench.firststage.bm25 import BM25
from sirbench.firststage.dual_encoder.negatives import Policy
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import check_manifest, manifest_of, recorded_file
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from sirbench.data.tokens import TokenTable
    from sirbench.firststage import Learning
    from sirbench.firststage.dual_encoder.batch import Scored
    from sirbench.firststage.dual_encoder.encoder import DualEncoder
    from sirbench.firststage.dual_encoder.queries import Batch, Query


class HardNegatives:
    """The hard negatives of all training queries, as the last search found them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.rows = np.empty((0, 0), dtype=np.int32)
        """(queries, at most so many): rows of documents, best first; -1 where a query has fewer."""

    def replace(self, rows: np.ndarray, step: int) -> None:
        """Use these from now on, found after `step` steps, and write them to disk."""
        self.rows = rows.astype(np.int32)
        with recorded_file(self._path(step)) as temporary:
            np.save(temporary, self.rows)

    def load(self, step: int) -> None:
        """Use those that were found after `step` steps."""
        path = self._path(step)
        if not path.exists():
            raise InputError(
                f"{path}: the checkpoint beside it needs these negatives; delete {self.folder} to train anew"
            )
        check_manifest(path, thorough=True)
        try:
            self.rows = np.load(path)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path}: damaged ({error}); delete {self.folder} to train anew") from error

    def forget(self, before: int) -> None:
        """Delete what was found after fewer than `before` steps."""
        for path in self.folder.glob("negatives-*.npy"):
            if int(path.stem.removeprefix("negatives-")) < before:
                path.unlink()
                manifest_of(path).unlink(missing_ok=True)

    def draw(self, batch: Batch, count: int, seed: int, step: int) -> np.ndarray:
        """`count` negatives (queries, count) int64 of each query without repetition; -1 where it has fewer.

        A function of (seed, step, query id) and of the last search.
        """
        drawn = np.full((len(batch.queries), count), -1, dtype=np.int64)
        for row, index, query in zip(drawn, batch.indices, batch.queries, strict=True):
            known = self.rows[index][self.rows[index] >= 0]
            chosen = random_generator("negatives", seed, step, query.id).permutation(len(known))[:count]
            row[: len(chosen)] = known[chosen]
        return drawn

    def _path(self, step: int) -> Path:
        # The name ends in .npy, or numpy would add that and the temporary file were another one.
        return self.folder / f"negatives-{step:09d}.npy"


class HardPolicy(Policy):
    """A policy with hard negatives; how these are found is up to the policies derived from it."""

    top: int = Field(200, ge=1)
    """How many documents of each query are hard negatives (the authors of STAR and of ANCE: 200)."""
    per_query: int = Field(1, ge=1)
    """How many of them a query has at each step."""

    @property
    def documents_per_query(self) -> int:
        """The positive and its hard negatives."""
        return 1 + self.per_query

    @cached_property
    def hard(self) -> HardNegatives:
        """Those of the last search."""
        return HardNegatives(self.learning.folder)

    def score(self, batch: Batch, step: int) -> Scored:
        """The batch of a step, with the hard negatives that are drawn for it."""
        from sirbench.firststage.dual_encoder.batch import score_batch

        negatives = self.hard.draw(batch, self.per_query, self.learning.settings.seed, step)
        return score_batch(self.encoder, batch, negatives)


def of_bm25(learning: Learning, queries: Sequence[Query], top: int) -> np.ndarray:
    """The `top` documents (queries, top) of each query by BM25 with its default options.

    A query that shares no word with any document but its positives has none.
    """
    documents = learning.store.documents
    depth = _depth(queries, documents, top)
    run = BM25().retrieve(learning.documents(), learning.queries, depth=depth)
    rows = documents.rows(run["doc_id"].to_numpy())
    lines = dict.fromkeys(learning.queries, np.empty(0, np.int64)) | run.groupby("query_id").indices
    return without_positives([rows[lines[query.id]] for query in queries], queries, top)


def of_encoder(encoder: DualEncoder, queries: Sequence[Query], top: int, name: str) -> np.ndarray:
    """The `top` documents (queries, top) of each query by an exact search with the encoder."""
    from sirbench.firststage.dual_encoder.search import alphabetical_places, search

    documents = encoder.store.documents
    with encoder.evaluating():
        embeddings = encoder.embed_queries([query.tokens for query in queries], name=name)
        blocks = encoder.document_blocks(name)
        places = alphabetical_places(documents.ids)
        rows, _ = search(embeddings, blocks, places, _depth(queries, documents, top))
    return without_positives(rows, queries, top)


def without_positives(ranked: Iterable[np.ndarray], queries: Sequence[Query], top: int) -> np.ndarray:
    """Each query's first `top` documents that may be negatives, (queries, top) int64, -1 for none."""
    result = np.full((len(queries), top), -1, dtype=np.int64)
    for row, documents, query in zip(result, ranked, queries, strict=True):
        negatives = documents[~np.isin(documents, query.no_negatives)][:top]
        row[: len(negatives)] = negatives
    return result


def _depth(queries: Sequence[Query], documents: TokenTable, top: int) -> int:
    """How deep to search so that `top` are left without the positives."""
    most = max(len(query.no_negatives) for query in queries)
    return min(len(documents.ids), top + most)
