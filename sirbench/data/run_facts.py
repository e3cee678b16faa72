"""What is to be known of a given run before training on it: what it covers, and what its order is."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sirbench.data.runs import run_lines


@dataclass(frozen=True)
class RunFacts:
    """Counts of a run among the queries of one split of a study."""

    split: str
    queries: int
    """Queries of the split."""
    covered: int
    """Those that have a document in the run."""
    documents: float
    """Median number of documents of these; 0 where there are none."""
    most: int
    """The largest number."""
    contradicting: int
    """Queries whose ranks contradict the scores, which decide."""
    constant: int
    """Queries with several documents, all of one score: ids alone decide their order."""
    ordered: int
    """Documents of all other queries."""

    def sentence(self) -> str:
        """E.g. `covers 21 of 200 train queries, median 3 documents`."""
        median = f"{self.documents:g} document" + ("" if self.documents == 1 else "s")
        said = [f"covers {self.covered} of {self.queries} {self.split} queries, median {median}"]
        if self.contradicting:
            said.append(f"ranks contradict the scores, which decide, in {self.contradicting} queries")
        if self.constant:
            said.append(f"all scores are equal, and document ids decide, in {self.constant} queries")
        return "; ".join(said)

    def filled(self, depth: int) -> float:
        """Share of the places, `depth` for each query, that the run fills in an order that it means."""
        return self.ordered / (self.queries * depth)


def run_facts(
    run: pd.DataFrame, queries: Collection[str], split: str, contradicting: Collection[str] = ()
) -> RunFacts:
    """The facts of a run, as `sirbench.data.runs` describes it, about one query or more.

    `contradicting` are the queries that `contradicting_queries` finds in its file.
    """
    scores = run.loc[run["query_id"].isin(list(queries))].groupby("query_id", sort=False)["score"]
    documents = scores.size()
    contradicted = documents.index.isin(list(contradicting))
    constant = (documents > 1) & (scores.max() == scores.min())
    return RunFacts(
        split=split,
        queries=len(queries),
        covered=len(documents),
        documents=float(documents.median()) if len(documents) else 0.0,
        most=int(documents.max()) if len(documents) else 0,
        contradicting=int(contradicted.sum()),
        constant=int(constant.sum()),
        ordered=int(documents[~(contradicted | constant)].sum()),
    )


def contradicting_queries(path: Path) -> set[str]:
    """Queries of a TREC run, plain or packed, of which a document of a higher score has a later rank.

    The score decides, as in trec_eval; a file that means its ranks has distances for scores, perhaps. Equal
    scores contradict nothing, and neither do ranks that are no numbers. The file is read some lines at a
    time, and lines are compared with those that are read together.
    """
    found: set[str] = set()
    for lines in run_lines(path, with_ranks=True):
        ranks = pd.to_numeric(lines["rank"].astype("str"), errors="coerce").to_numpy()
        queries = pd.factorize(lines["query_id"])[0]
        order = np.lexsort((ranks, -lines["score"].to_numpy(), queries))
        same = queries[order][1:] == queries[order][:-1]
        earlier = ranks[order][1:] < ranks[order][:-1]
        found.update(lines["query_id"].to_numpy()[order][1:][same & earlier].tolist())
    return found
