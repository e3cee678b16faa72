"""Re-ranking: the candidates exactly as given, in the order of the cross-encoder's scores."""

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from sirbench.data.runs import sort_run
from sirbench.encoding.collapse import is_constant
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.machine.errors import TrainingError

WINDOW = 16384
"""Pairs that are sorted by length together; this many give chunks of nearly equal length."""


def rerank(encoder: CrossEncoder, candidates: pd.DataFrame, name: str) -> pd.DataFrame:
    """The run of `candidates` (query_id, doc_id, score) with the encoder's scores, ties by document id.

    No document is added, not even a positive one. Raises TrainingError if a score is not finite, or if for
    every query all documents have the same score: such a model does not rank, whatever a measure says.
    """
    encoder.model.eval()
    queries = encoder.store.queries.rows(candidates["query_id"].to_numpy())
    documents = encoder.store.documents.rows(candidates["doc_id"].to_numpy())
    scores = np.empty(len(candidates), dtype=np.float64)
    with tqdm(total=len(candidates), desc=name, unit="pair") as bar:
        for start in range(0, len(candidates), WINDOW):
            window = slice(start, start + WINDOW)
            values = encoder.score(queries[window], documents[window])
            scores[window] = values.to(torch.float64).cpu().numpy()
            bar.update(len(values))
    reranked = candidates.assign(score=scores)
    if not np.isfinite(scores).all():
        raise TrainingError(f"{name}: the model gives scores that are not finite numbers")
    if is_constant(candidates["query_id"].to_numpy(), scores):
        raise TrainingError(f"{name}: every document of a query has the same score; the model has collapsed")
    return sort_run(reranked)
