"""BM25, the lexical first stage: Lucene's variant by way of bm25s.

    score(q, d) = sum over words t of q: idf(t) * f(t, d) / (f(t, d) + k1 * (1 - b + b * |d| / mean |d|))
    idf(t) = ln(1 + (N - df(t) + .5) / (df(t) + .5))

f(t, d) is how often t occurs in d, |d| the length of d in words, N the number of documents and df(t) how many
of them contain t; a word that q repeats counts each time. `firststage/lexical/words.py` says what a word is.
Sources: Kamphuis et al., ECIR 2020 (the variants); Lù, arXiv 2407.03618 (bm25s).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.firststage import Retriever, Trained
from sirbench.machine.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from sirbench.data.documents import Document


class BM25(Retriever):
    """The documents that share the most telling words with a query."""

    k1: float = Field(0.9, ge=0)
    """How much a word that is repeated in a document adds."""
    b: float = Field(0.4, ge=0, le=1)
    """How much long documents are held back: 0 not at all, 1 in proportion to their length."""

    def retrieve(
        self,
        documents: Iterable[Document],
        queries: Mapping[str, str],
        *,
        depth: int,
        trained: Trained | None = None,
    ) -> pd.DataFrame:
        """The run of the `depth` best documents of each query, in the order of `sirbench.data.runs`.

        Only documents that share a word with the query (score > 0) are returned: a query may have fewer than
        `depth`, or none. The documents are read once; of each only the id and the numbers of its words stay
        in memory. Raises InputError if no document has a word in it.
        """
        import bm25s
        from tqdm import tqdm

        from sirbench.firststage.lexical.ranking import rank
        from sirbench.firststage.lexical.words import Words

        words = Words()
        doc_ids, numbers = [], []
        for doc_id, text in tqdm(documents, "bm25: reading", unit=" documents", delay=2):
            doc_ids.append(doc_id)
            numbers.append(words.learn(text))
        if not words:
            raise InputError("bm25: there is no document with a word in it")
        index = bm25s.BM25(method="lucene", k1=self.k1, b=self.b)
        index.index((numbers, words.stems), create_empty_token=False, show_progress=False)
        return rank(doc_ids, queries, words, index.get_scores_from_ids, depth=depth, name="bm25")
