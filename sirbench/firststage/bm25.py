"""BM25, the lexical first stage: Lucene's variant by way of bm25s.

    score(q, d) = sum over words t of q: idf(t) * f(t, d) / (f(t, d) + k1 * (1 - b + b * |d| / mean |d|))
    idf(t) = ln(1 + (N - df(t) + .5) / (df(t) + .5))

f(t, d) is how often t occurs in d, |d| the length of d in words, N the number of documents and df(t) how many
of them contain t; a word that q repeats counts each time. Words are lower-cased runs of two or more word
characters, without Lucene's English stopwords, stemmed by Snowball's English stemmer.
Sources: Kamphuis et al., ECIR 2020 (the variants); Lù, arXiv 2407.03618 (bm25s).
"""

from collections.abc import Iterable, Iterator, Mapping

import bm25s
import numpy as np
import pandas as pd
import Stemmer
from bm25s.tokenization import Tokenizer
from tqdm import tqdm

from sirbench.data.documents import Document
from sirbench.errors import InputError


def retrieve(
    documents: Iterable[Document],
    queries: Mapping[str, str],
    *,
    depth: int = 100,
    k1: float = 0.9,
    b: float = 0.4,
) -> pd.DataFrame:
    """The run of the `depth` best documents of each query, in the order of `sirbench.data.runs`.

    Only documents that share a word with the query (score > 0) are returned: a query may have fewer than
    `depth`, or none. The documents are read once; of each only the id and the numbers of its words stay in
    memory. Raises InputError if no document has a word in it.
    """
    tokenizer = Tokenizer(stopwords="english", stemmer=Stemmer.Stemmer("english"))
    doc_ids, words = _read(documents, tokenizer)
    vocabulary = tokenizer.get_vocab_dict()
    if not vocabulary:
        raise InputError("bm25: there is no document with a word in it")
    index = bm25s.BM25(method="lucene", k1=k1, b=b)
    index.index((words, vocabulary), create_empty_token=False, show_progress=False)
    alphabetical = np.argsort(np.argsort(doc_ids))

    rows, scores, counts = [], [], []
    query_words = tokenizer.streaming_tokenize(queries.values(), update_vocab=False, allow_empty=False)
    for numbers in tqdm(query_words, "bm25: retrieving", total=len(queries), unit=" queries", delay=2):
        query_scores = index.get_scores_from_ids(numbers)
        best = _top(query_scores, alphabetical, depth)
        rows.append(best)
        scores.append(query_scores[best])
        counts.append(len(best))
    return pd.DataFrame(
        {
            "query_id": pd.Series(np.repeat(np.array(list(queries), dtype=object), counts), dtype="str"),
            "doc_id": pd.Series(np.array(doc_ids, dtype=object)[np.concatenate(rows)], dtype="str"),
            "score": np.concatenate(scores).astype(np.float64),
        }
    )


def _read(documents: Iterable[Document], tokenizer: Tokenizer) -> tuple[list[str], list[list[int]]]:
    """Ids and the numbers of the words of each document, numbered by `tokenizer` as they come."""
    doc_ids: list[str] = []

    def texts() -> Iterator[str]:
        for doc_id, text in tqdm(documents, "bm25: reading", unit=" documents", delay=2):
            doc_ids.append(doc_id)
            yield text

    words = list(tokenizer.streaming_tokenize(texts(), allow_empty=False))
    return doc_ids, words


def _top(scores: np.ndarray, alphabetical: np.ndarray, depth: int) -> np.ndarray:
    """Rows of the `depth` highest positive scores, falling; equal ones by falling place in the alphabet."""
    lowest = np.partition(scores, -depth)[-depth] if depth < len(scores) else 0
    rows = np.flatnonzero((scores >= lowest) & (scores > 0))
    return rows[np.lexsort((-alphabetical[rows], -scores[rows]))][:depth]
