"""Self-involvement between trainings (V1, V2): a trained compressor scores its input and keeps the hardest.

Within one training (V3, V4) it is a strategy's own step that selects.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from tqdm import tqdm

from sirbench.data.runs import sort_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.blocks import TrainingQuery, draw_block


def score_input(
    encoder: CrossEncoder, queries: Sequence[TrainingQuery], size: int, seed: int
) -> pd.DataFrame:
    """The run of a compressor over the negatives that it was trained on: the fixed block of each query."""
    encoder.model.eval()
    parts = []
    for query in tqdm(queries, "score the negatives", unit="query"):
        block = draw_block(query, size, seed, epoch=0, fixed=True)
        documents = block.documents[1:]
        scores = encoder.score(documents * 0 + query.row, documents)
        ids = encoder.store.documents.ids[documents]
        parts.append(pd.DataFrame({"query_id": query.id, "doc_id": ids, "score": scores.double().cpu()}))
    return sort_run(pd.concat(parts, ignore_index=True))


def keep_hardest_of_all(
    queries: Sequence[TrainingQuery], scored: pd.DataFrame, store: TokenStore, size: int
) -> list[TrainingQuery]:
    """Every query with its hardest negatives only, by the run of a compressor (`score_input`)."""
    rows = store.documents.rows(scored["doc_id"].to_numpy())
    scores = pd.Series(scored["score"].to_numpy(), index=[scored["query_id"], rows])
    by_query: dict[Any, dict[Any, float]] = {
        query: dict(values.droplevel(0).items()) for query, values in scores.groupby(level=0)
    }
    return [keep_hardest(query, by_query.get(query.id, {}), size) for query in queries]


def keep_hardest(query: TrainingQuery, scores: Mapping[int, float], size: int) -> TrainingQuery:
    """The query with its `size - 1` highest-scored negatives only (Eq. 4).

    `scores` maps document rows to a compressor's scores and covers that compressor's whole input;
    ties go to the lower rank.
    """
    scored = [i for i, document in enumerate(query.negatives) if int(document) in scores]
    hardest = sorted(scored, key=lambda i: (-scores[int(query.negatives[i])], i))[: size - 1]
    return query._replace(negatives=query.negatives[hardest], ranks=query.ranks[hardest])
