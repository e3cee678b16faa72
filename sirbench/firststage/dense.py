"""Dense retrieval: queries and documents are vectors, their dot product the score; search is exact.

One dual encoder (`dual_encoder/encoder.py`), one way to search (`search.py`), one training loop
(`training.py`); what differs between STAR, ADORE, ANCE and the rest is where negatives come from and the loss
that is taken of them: `dual_encoder/negatives/`, a file for each.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.data.documents import Document
from sirbench.data.tokens import tokenize_texts
from sirbench.firststage import Learning, Trained
from sirbench.firststage.dual_encoder.encoder import DOCUMENTS, DualEncoder, load_dual_encoder
from sirbench.firststage.dual_encoder.negatives import policy
from sirbench.firststage.dual_encoder.queries import make_queries
from sirbench.firststage.dual_encoder.search import alphabetical_places, search
from sirbench.firststage.dual_encoder.training import DenseTraining
from sirbench.machine.errors import InputError
from sirbench.training.checkpoint import Progress
from sirbench.training.loop import train as run_loop
from sirbench.training.record import StepLog


def train(
    learning: Learning,
    *,
    negatives: str = "star",
    pooling: str | None = None,
    top: int | None = None,
    per_query: int | None = None,
    refresh_every: int | None = None,
    alpha: float | None = None,
    measure: str | None = None,
) -> tuple[DualEncoder, Progress]:
    """Train a dual encoder with the policy `negatives`; return it, and the steps and time spent.

    The other options, all but `pooling`, are the policy's; None leaves its default. Raises `InputError` for
    an option that the policy lacks, and for a training query whose positive is not in the collection. With
    `steps: 0` the encoder is taken as it is.
    """
    given = {"top": top, "per_query": per_query, "refresh_every": refresh_every}
    given |= {"alpha": alpha, "measure": measure}
    options = {name: value for name, value in given.items() if value is not None}
    kind = policy(negatives, options)
    if learning.settings.steps == 0:
        return _as_it_is(learning, pooling)
    if (learning.start / DOCUMENTS).is_dir() and not kind.separate:
        raise InputError(
            f"candidates.*.start: documents have an encoder of their own in {learning.start}; only "
            f"negatives: adore can continue from it, not {negatives}"
        )
    tokens = _tokens(learning.queries, learning, learning.start, learning.name)
    queries = make_queries(tokens, learning.positives, learning.store.documents)
    encoder = load_dual_encoder(
        learning.start,
        learning.store,
        learning.compute,
        learning.device,
        pooling=pooling,
        separate=kind.separate,
    )
    if encoder.projection is not None:
        raise InputError(
            f"candidates.*.training: the checkpoint in {learning.start} has a projection, which is not "
            "trained here; use it as it is with `steps: 0`"
        )
    task = DenseTraining(
        name=learning.name,
        model=encoder.queries,
        settings=learning.settings,
        folder=learning.folder,
        fingerprint=learning.fingerprint,
        policy=kind(learning=learning, encoder=encoder, queries=queries, **options),
    )
    return encoder, run_loop(task)


def _as_it_is(learning: Learning, pooling: str | None) -> tuple[DualEncoder, Progress]:
    """The dual encoder that training would start from: published ones retrieve without any."""
    StepLog(learning.folder / "train.jsonl", 0)
    start, store = learning.start, learning.store
    encoder = load_dual_encoder(start, store, learning.compute, learning.device, pooling=pooling)
    return encoder, Progress(step=0, seconds=0.0)


def retrieve(
    documents: Iterable[Document], queries: Mapping[str, str], *, trained: Trained, depth: int = 100
) -> pd.DataFrame:
    """The run of the `depth` documents of each query with the highest scores, in the order of runs.

    The documents are those of `trained.store`, encoded as the search comes to them; their texts are not read
    again. Raises `InputError` where there are fewer than `depth`.
    """
    table = trained.store.documents
    if depth > len(table.ids):
        raise InputError(f"depth: {depth} is more than the {len(table.ids)} documents of the collection")
    encoder = load_dual_encoder(trained.folder, trained.store, trained.compute, trained.device)
    tokens = _tokens(queries, trained, trained.folder, "dense")
    with encoder.evaluating():
        embeddings = encoder.embed_queries(list(tokens.values()), name="dense")
        blocks = encoder.document_blocks("dense")
        rows, scores = search(embeddings, blocks, alphabetical_places(table.ids), depth)
    return pd.DataFrame(
        {
            "query_id": pd.Series(np.repeat(np.array(list(queries), dtype=object), depth), dtype="str"),
            "doc_id": pd.Series(table.ids.take(rows.ravel()), dtype="str"),
            "score": scores.ravel().astype(np.float64),
        }
    )


def _tokens(
    queries: Mapping[str, str], given: Learning | Trained, checkpoint: Path, name: str
) -> dict[str, np.ndarray]:
    """The tokens of each query, cut to what the study allows a query."""
    tokenizer, limit = load_tokenizer(checkpoint), given.input.max_query_tokens
    texts = tqdm(queries.values(), f"{name}: tokens", unit=" queries", delay=2)
    return dict(zip(queries, tokenize_texts(tokenizer, texts, limit), strict=True))
