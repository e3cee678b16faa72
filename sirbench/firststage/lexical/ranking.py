"""From the scores of all documents to a run: the best documents of each query, ties by document id."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from sirbench.firststage.lexical.words import Words


def rank(
    doc_ids: Sequence[str],
    queries: Mapping[str, str],
    words: Words,
    score: Callable[[list[int]], np.ndarray],
    *,
    depth: int,
    name: str,
) -> pd.DataFrame:
    """The run of the `depth` best documents of each query, in the order of `sirbench.data.runs`.

    `score` maps the numbers of a query's words to the scores of all documents (documents,). Only documents
    with a positive score, which share a word with the query, are in the run, so a query may have fewer than
    `depth`, or none. `name` is shown before the progress bar.
    """
    alphabetical = np.argsort(np.argsort(doc_ids))
    rows, scores, counts = [np.empty(0, np.int64)], [np.empty(0)], []
    for query in tqdm(queries.values(), f"{name}: retrieving", unit=" queries", delay=2):
        query_scores = score(words.known(query))
        best = top(query_scores, alphabetical, depth)
        rows.append(best)
        scores.append(query_scores[best])
        counts.append(len(best))
    query_ids = np.repeat(np.array(list(queries), dtype=object), np.array(counts, dtype=np.int64))
    return pd.DataFrame(
        {
            "query_id": pd.Series(query_ids, dtype="str"),
            "doc_id": pd.Series(np.array(doc_ids, dtype=object)[np.concatenate(rows)], dtype="str"),
            "score": np.concatenate(scores).astype(np.float64),
        }
    )


def top(scores: np.ndarray, alphabetical: np.ndarray, depth: int) -> np.ndarray:
    """Rows of the `depth` highest positive scores, descending; ties by descending alphabetical position."""
    lowest = np.partition(scores, -depth)[-depth] if depth < len(scores) else 0
    rows = np.flatnonzero((scores >= lowest) & (scores > 0))
    return rows[np.lexsort((-alphabetical[rows], -scores[rows]))][:depth]
