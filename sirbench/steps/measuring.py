"""Verb `measure`: any run against any judgements, without documents, alone or compared with other runs."""

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from sirbench.data import collections, records
from sirbench.data.given_runs import read_given_run
from sirbench.data.runs import ScatteredError, in_parts, read_run, run_parts
from sirbench.evaluation.comparison import Interval, compare
from sirbench.evaluation.measures import parse_measure, per_query_of_parts
from sirbench.machine.errors import InputError
from sirbench.study import JudgementFile

log = logging.getLogger(__name__)


def measure_runs(
    runs: Sequence[Path],
    judgements: str,
    measures: Sequence[str],
    interval: Interval = "bootstrap",
    format: str = "trec",
) -> pd.DataFrame:
    """The lines of `comparison.compare` about these runs, the first of them against the others.

    All queries with a relevant document (relevance >= 1) count, with 0 where a run has no result for them.

    Args:
        runs: files, each of another name.
        judgements: a file of TREC's, BEIR's or JSON Lines, or the name of an ir_datasets collection.
        measures: names as ir_measures writes them.
        interval: as of `compare`.
        format: of the runs, as in `sirbench.study.RunFile`.

    Raises:
        InputError: a file is missing, or a line is not as it should be, and which; a run has no result for
            any query.
    """
    for name in measures:
        parse_measure(name)
    if len(set(runs)) < len(runs):
        raise InputError("a run is named twice; a comparison of a run with itself says nothing")
    qrels = read_judgements(judgements)
    queries = qrels.loc[qrels["relevance"] >= 1, "query_id"].drop_duplicates().tolist()
    if not queries:
        raise InputError(f"{judgements}: no judgement says that a document is relevant (1 or more)")
    values = {str(run): _values(run, qrels, queries, measures, format) for run in runs}
    return compare(values, measures, interval)


def read_judgements(judgements: str) -> pd.DataFrame:
    """The judgements of a file, or of an ir_datasets collection where there is no such file."""
    path = Path(judgements)
    if not path.exists():
        if not collections.is_known(judgements):
            raise InputError(f"{path}: there is no such file, nor a collection of ir_datasets of this name")
        return collections.read_qrels(judgements)
    rows = ((it.query_id, it.doc_id, it.relevance) for it in records.judgements(JudgementFile(path=path)))
    return pd.DataFrame(rows, columns=["query_id", "doc_id", "relevance"])


def _values(
    run: Path, qrels: pd.DataFrame, queries: list[str], measures: Sequence[str], format: str
) -> pd.DataFrame:
    """The per-query values of a run, which is read in parts where its lines are in order."""
    found: set[str] = set()

    def noted(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in parts:
            found.update(part["query_id"].unique())
            yield part

    def values(parts: Iterator[pd.DataFrame]) -> pd.DataFrame:
        return per_query_of_parts(noted(parts), qrels, queries, measures)

    if format != "trec" or run.suffix == ".zip":
        result = values(in_parts(read_given_run(run, format, depth=sys.maxsize)))
    else:
        try:
            result = values(run_parts(run))
        except ScatteredError:
            log.info("%s: the lines of a query are not together; all are read at once", run)
            result = values(in_parts(read_run(run)))
    _say_what_is_missing(run, found, queries)
    return result


def _say_what_is_missing(run: Path, found: set[str], queries: Sequence[str]) -> None:
    empty = len(set(queries) - found)
    if empty == len(queries):
        raise InputError(f"{run}: has none of the {len(queries)} queries that have a relevant document")
    if empty:
        log.warning("%s: has no result for %d of %d queries, which count as 0", run, empty, len(queries))
    if others := len(found - set(queries)):
        log.info("%s: %d of its queries have no relevant document and are left out", run, others)
