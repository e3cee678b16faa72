"""First stage `shortest`: the shortest documents, whatever the query, as a toy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from sirbench.firststage import Retriever, Trained

if TYPE_CHECKING:
    import pandas as pd

    from sirbench.data.documents import Document


class Shortest(Retriever):
    """The documents with the fewest words."""

    at_least: int = Field(1, ge=0)
    """Words of a document that is retrieved."""

    def retrieve(
        self,
        documents: Iterable[Document],
        queries: Mapping[str, str],
        *,
        depth: int,
        trained: Trained | None = None,
    ) -> pd.DataFrame:
        """The same run for every query; the score is the number of words, negative."""
        import pandas as pd

        from sirbench.data.runs import sort_run

        words = ((len(text.split()), doc_id) for doc_id, text in documents)
        best = sorted(each for each in words if each[0] >= self.at_least)[:depth]
        lines = [(query, doc_id, -float(count)) for query in queries for count, doc_id in best]
        return sort_run(pd.DataFrame(lines, columns=["query_id", "doc_id", "score"]))
