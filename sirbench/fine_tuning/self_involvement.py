"""Self-involvement between trainings (V1, V2): a trained compressor scores its input and keeps the hardest.

Within one training (V3, V4) it is a strategy's own step that selects.

With fixed blocks a compressor's input is one set for each query, and the next level is trained on the hardest
of it. With redrawn blocks any candidate may be drawn, so the compressor scores all of them, once; the block
of each epoch then passes every compressor so far (`blocks.draw_block`).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from sirbench.data.runs import sort_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.blocks import Scored, TrainingQuery, draw_block


def score_input(
    encoder: CrossEncoder, queries: Sequence[TrainingQuery], size: int, seed: int, *, fixed: bool
) -> pd.DataFrame:
    """The run of a compressor over the negatives that it was, or might have been, trained on.

    That is the `fixed` block of each query, otherwise all of its negatives.
    """
    encoder.model.eval()
    parts = []
    for query in tqdm(queries, "score the negatives", unit="query"):
        drawn = draw_block(query, size, seed, epoch=0).documents[1:] if fixed else query.negatives
        scores = encoder.score(drawn * 0 + query.row, drawn)
        ids = encoder.store.documents.ids[drawn]
        parts.append(pd.DataFrame({"query_id": query.id, "doc_id": ids, "score": scores.double().cpu()}))
    return sort_run(pd.concat(parts, ignore_index=True))


def pass_through(
    queries: Sequence[TrainingQuery], run: pd.DataFrame, store: TokenStore, size: int
) -> list[TrainingQuery]:
    """Every query with one more compressor on the way to its blocks, by the run of that (`score_input`).

    It selects from groups of `size`. Of a query's negatives those are left that it has scored.
    """
    rows, scores = store.documents.rows(run["doc_id"].to_numpy()), run["score"].to_numpy(dtype=np.float64)
    of_query = run.groupby("query_id", sort=False).indices
    nothing = np.zeros(0, dtype=np.int64)
    return [
        _pass_through(query, rows[where], scores[where], size)
        for query in queries
        for where in [of_query.get(query.id, nothing)]
    ]


def _pass_through(query: TrainingQuery, rows: np.ndarray, scores: np.ndarray, size: int) -> TrainingQuery:
    _, places, lines = np.intersect1d(query.negatives, rows, return_indices=True)
    order = np.argsort(places)
    places, lines = places[order], lines[order]
    before = (one._replace(scores=one.scores[places]) for one in query.compressors)
    return query._replace(
        negatives=query.negatives[places],
        ranks=query.ranks[places],
        compressors=(*before, Scored(size, scores[lines])),
    )
