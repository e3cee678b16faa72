"""Runs as others publish them: TREC's six columns, MS MARCO's ranks, and rankings that include the texts.

They are converted to the data frame that `sirbench.data.runs` describes; the score of a rank is its negative.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tqdm import tqdm

from sirbench.data.lines import archived_lines, numbered_lines
from sirbench.data.numbers import finite_number, whole_number
from sirbench.data.runs import COLUMNS, read_run, sort_run
from sirbench.machine.errors import InputError


class Result(NamedTuple):
    """A line of a run: a document retrieved for a query."""

    query_id: str
    doc_id: str
    score: float


LINES_AT_ONCE = 1_000_000
"""Lines kept as Python objects before they become columns, which take a tenth of the memory."""


def read_given_run(path: Path, format: str, depth: int) -> pd.DataFrame:
    """Read at most `depth` documents per query from a run in a `format` of `sirbench.study.RunFile`.

    A run of ranks is streamed and only ranks up to `depth` are kept: HDCT's run of MS MARCO's training
    queries has 1000 documents per query, 366 million lines. Raises InputError, naming file and line, for a
    line in another format, for a document or a rank that a query has twice, and for an empty or damaged file.
    """
    path = Path(path)
    if format == "trec" and path.suffix != ".zip":
        return read_run(path, depth)
    kept = (
        result
        for _, result in tqdm(results(path, format), f"read {path.name}", unit=" lines", delay=2)
        if format == "trec" or result.score >= -depth
    )
    types = {"query_id": "str", "doc_id": "str", "score": "float64"}
    parts = []
    while lines := list(islice(kept, LINES_AT_ONCE)):
        parts.append(pd.DataFrame(lines, columns=COLUMNS).astype(types))
    if not parts:
        raise InputError(f"{path}: the run is empty")
    run = pd.concat(parts, ignore_index=True)
    if (twice := run.duplicated(["query_id", "doc_id"])).any():
        query_id, doc_id, _ = run[twice].iloc[0]
        raise InputError(f"{path}: document {doc_id!r} appears a second time for query {query_id!r}")
    if format == "ranks" and (twice := run.duplicated(["query_id", "score"])).any():
        query_id, _, score = run[twice].iloc[0]
        raise InputError(f"{path}: rank {-score:.0f} is given a second time for query {query_id!r}")
    run = sort_run(run)
    return run[run.groupby("query_id", sort=False).cumcount() < depth].reset_index(drop=True)


def results(path: Path, format: str) -> Iterator[tuple[str, Result]]:
    """Every line of a run: its file and number, for messages, and its content."""
    parse = PARSERS[format]
    seen: dict[str, int] = {}
    for file, number, line in _lines(Path(path)):
        try:
            yield f"{file}, line {number}", parse(line, seen)
        except ValueError:
            raise InputError(
                f"{file}, line {number}: expected {EXPECTED[format]}, found {line[:80]!r}"
            ) from None


def _lines(path: Path) -> Iterator[tuple[str, int, str]]:
    if path.suffix == ".zip":
        return ((f"{path}, {name}", number, line) for name, number, line in archived_lines(path))
    return ((str(path), number, line) for number, line in numbered_lines(path))


def _trec(line: str, seen: dict[str, int]) -> Result:
    query_id, _, doc_id, _, score, _ = line.split()
    return Result(query_id, doc_id, finite_number(score))


def _ranks(line: str, seen: dict[str, int]) -> Result:
    query_id, doc_id, rank = line.split()
    if (number := whole_number(rank)) < 1:
        raise ValueError(rank)
    return Result(query_id, doc_id, -float(number))


def _texts(line: str, seen: dict[str, int]) -> Result:
    """The rank of a document is its position among those of its query, which `seen` counts."""
    query_id, _, doc_id, *_ = line.split("\t")
    if not (query_id and doc_id):
        raise ValueError(line)
    seen[query_id] = seen.get(query_id, 0) + 1
    return Result(query_id, doc_id, -float(seen[query_id]))


PARSERS: Mapping[str, Callable[[str, dict[str, int]], Result]] = {
    "trec": _trec,
    "ranks": _ranks,
    "texts": _texts,
}
EXPECTED = {
    "trec": "6 columns (query Q0 document rank score tag) with a finite score",
    "ranks": "3 columns (query document rank), ranks from 1",
    "texts": "a query, its text, a document and any further columns, separated by tabs",
}
