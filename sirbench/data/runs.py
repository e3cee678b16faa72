"""TREC run files: first-stage candidates in, re-ranked results out.

In memory a run is a data frame with the columns `query_id` (str), `doc_id` (str) and `score` (float64).
Queries are in order of first appearance, the documents of a query in descending order of score, and equal
scores in descending order of document id. This is trec_eval's rule, so every evaluator sees the order that is
used here.
"""

import csv
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sirbench.data.lines import DAMAGED, create, numbered_lines
from sirbench.data.numbers import finite_number
from sirbench.machine.errors import InputError, missing
from sirbench.machine.manifest import check_manifest, recorded_file

COLUMNS = ["query_id", "doc_id", "score"]

# The second column and ranks are ignored, as in trec_eval; as categories they take one byte per line.
_DTYPES = {"query_id": "str", "q0": "category", "doc_id": "str", "rank": "category", "score": "float64"}
_DTYPES |= {"tag": "category"}

_COMPRESSION: dict[str, Literal["gzip", "bz2", "xz"]] = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}

_LINES_PER_WRITE = 100_000
_LINES_PER_READ = 100_000


class ScatteredError(Exception):
    """The lines of a query are not together in the file, so that it cannot be read query by query."""


def read_run(path: Path, depth: int | None = None) -> pd.DataFrame:
    """Read at most `depth` documents per query from the run at `path`; .gz, .bz2 and .xz are unpacked.

    Columns may be separated by any white space, and lines may end as on Windows. Scores determine the order,
    not the file's ranks. Where the lines of each query are together, no more is in memory than what is kept
    and a part of the file. Raises InputError, naming file and line, for anything but six columns with a
    finite score, for a document that appears twice for a query, and for a file that is empty, truncated or
    not UTF-8.
    """
    path = Path(path)
    try:
        parts = [_top(part, depth) for part in run_parts(path)]
    except ScatteredError:
        whole = pd.concat(run_lines(path), ignore_index=True)
        parts = [_top(_sorted_part(whole, path), depth)]
    return pd.concat(parts, ignore_index=True)


def run_parts(path: Path) -> Iterator[pd.DataFrame]:
    """The run at `path` in parts of whole queries, one after the other, each in the order of runs.

    Raises InputError like `read_run`, and ScatteredError, with or without a part before it, where a query
    comes back after another one.
    """
    check_manifest(path)
    seen: set[str] = set()
    held = None
    for chunk in run_lines(path):
        lines = chunk if held is None else pd.concat([held, chunk], ignore_index=True)
        # The last query may go on in the next chunk.
        last = lines["query_id"] == lines["query_id"].iloc[-1]
        held = lines[last]
        if not last.all():
            yield _new_part(lines[~last], path, seen)
    if held is None:
        raise _first_error(path, otherwise="not a TREC run")
    yield _new_part(held, path, seen)


def in_parts(run: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """A run that is in memory, in parts of whole queries; its queries are together."""
    starts = np.flatnonzero((run["query_id"] != run["query_id"].shift()).to_numpy())
    while len(starts):
        end = int(np.searchsorted(starts, starts[0] + _LINES_PER_READ))
        stop = starts[end] if end < len(starts) else len(run)
        yield run.iloc[starts[0] : stop]
        starts = starts[end:]


def _new_part(lines: pd.DataFrame, path: Path, seen: set[str]) -> pd.DataFrame:
    """The lines in the order of runs, once it is sure that their queries are new; these are then seen."""
    queries = lines["query_id"].unique().tolist()
    if not seen.isdisjoint(queries):
        raise ScatteredError(path)
    seen.update(queries)
    return _sorted_part(lines, path)


def _sorted_part(lines: pd.DataFrame, path: Path) -> pd.DataFrame:
    queries, documents = _codes(lines)
    if pd.Series(queries * len(lines) + documents).duplicated().any():
        raise _first_error(path, otherwise="a document appears twice for a query")
    return _sort(lines, queries, documents)


def _top(run: pd.DataFrame, depth: int | None) -> pd.DataFrame:
    return run if depth is None else run[run.groupby("query_id", sort=False).cumcount() < depth]


def run_lines(path: Path, with_ranks: bool = False) -> Iterator[pd.DataFrame]:
    """The lines of the file as they come, some at a time: query_id, doc_id and score, and rank if asked for.

    Raises InputError like `read_run`, but for documents that appear twice.
    """
    columns = [*COLUMNS, "rank"] if with_ranks else COLUMNS
    if not path.is_file():
        raise missing(path)
    try:
        with pd.read_csv(
            path,
            sep=r"\s+",  # any white space; the C parser has a special case for it
            header=None,
            names=list(_DTYPES),
            dtype=_DTYPES,
            na_filter=False,  # "NA" and "null" are possible ids
            quoting=csv.QUOTE_NONE,
            encoding="utf-8",
            compression=_COMPRESSION.get(path.suffix),
            chunksize=_LINES_PER_READ,
        ) as chunks:
            for chunk in chunks:
                if chunk.empty:  # as is the only one of an empty file
                    continue
                too_many_columns = not isinstance(chunk.index, pd.RangeIndex)  # the first became an index
                too_few_columns = "" in chunk["tag"].cat.categories
                if too_many_columns or too_few_columns or not np.isfinite(chunk["score"]).all():
                    raise _first_error(path, otherwise="not a TREC run")
                yield chunk[columns]
    except InputError:
        raise
    except (ValueError, OSError, *DAMAGED) as error:  # UnicodeDecodeError and ParserError are ValueErrors
        raise _first_error(path, otherwise=str(error)) from error


def sort_run(run: pd.DataFrame) -> pd.DataFrame:
    """The lines of `run` in the order that the module's docstring describes."""
    return _sort(run, *_codes(run))


def write_run(run: pd.DataFrame, path: Path, tag: str) -> None:
    """Write `run` in its own order, with ranks from 1 and scores that read back as the same float64.

    The file is compressed if its name ends in .gz. The same run always gives the same bytes.
    """
    ranks = run.groupby("query_id", sort=False).cumcount() + 1
    with recorded_file(path) as temporary, create(temporary) as file:
        for start in range(0, len(run), _LINES_PER_WRITE):
            part = slice(start, start + _LINES_PER_WRITE)
            columns = (run[name].iloc[part].tolist() for name in COLUMNS)
            lines = (
                f"{query_id} Q0 {doc_id} {rank} {score!r} {tag}\n"
                for query_id, doc_id, score, rank in zip(*columns, ranks.iloc[part].tolist(), strict=True)
            )
            file.write("".join(lines).encode())


def without_self(lines: pd.DataFrame, depth: int | None = None) -> pd.DataFrame:
    """The lines of a run, or of judgements, but for those of a document that has the id of its query.

    At most the first `depth` lines of each query are kept.
    """
    others = lines[lines["query_id"] != lines["doc_id"]]
    if depth is not None:
        others = others[others.groupby("query_id", sort=False).cumcount() < depth]
    return others.reset_index(drop=True)


def check_ids(
    run: pd.DataFrame,
    path: Path,
    queries: Collection[str] | None = None,
    documents: Collection[str] | None = None,
    lines: Iterable[tuple[str, tuple[str, str, float]]] | None = None,
) -> None:
    """Raise InputError, naming file, line and id, if `run`, read from `path`, has an id that is unknown.

    `queries` and `documents` are the ids of the whole collection; None leaves a kind of id unchecked. A
    published run may cover more queries than a study keeps, but an id unknown to the collection means that
    the run belongs to another one. `lines` are those of a file in another format, as `given_runs.results`
    yields them.
    """
    unknown = {
        kind: set(run[column].unique()).difference(known)
        for kind, column, known in (("query", "query_id", queries), ("document", "doc_id", documents))
        if known is not None
    }
    if not any(unknown.values()):
        return
    if lines is None:
        fields = _numbered_fields(path)
        lines = (
            (f"{path}, line {number}", (query, document, 0)) for number, (query, _, document, *_) in fields
        )
    for place, (query, document, _) in lines:
        for kind, name in (("query", query), ("document", document)):
            if name in unknown.get(kind, ()):
                others = len(unknown[kind]) - 1
                raise InputError(
                    f"{place}: the collection has no {kind} {name!r} (nor {others} more of the "
                    f"run's {kind} ids); was the run made for another collection?"
                )


def _codes(run: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The query and document of each line as integers: queries by first appearance, documents by id."""
    return pd.factorize(run["query_id"])[0], pd.factorize(run["doc_id"], sort=True)[0]


def _sort(run: pd.DataFrame, queries: np.ndarray, documents: np.ndarray) -> pd.DataFrame:
    order = np.lexsort((-documents, -run["score"].to_numpy(), queries))
    return run.iloc[order].reset_index(drop=True)


def _first_error(path: Path, otherwise: str) -> InputError:
    """The error of the first bad line of `path`: slow, and called only when there is an error."""
    seen: set[tuple[str, str]] = set()
    try:
        for number, fields in _numbered_fields(path):
            if len(fields) != 6:
                problem = f"expected 6 columns (query Q0 document rank score tag), found {len(fields)}"
            elif not _is_finite_number(fields[4]):
                problem = f"the score {fields[4][:40]!r} is not a finite number"
            elif (fields[0], fields[2]) in seen:
                problem = f"document {fields[2]!r} appears a second time for query {fields[0]!r}"
            else:
                seen.add((fields[0], fields[2]))
                continue
            return InputError(f"{path}, line {number}: {problem}")
    except InputError as error:
        return error
    return InputError(f"{path}: {otherwise if seen else 'the run is empty'}")


def _numbered_fields(path: Path) -> Iterator[tuple[int, list[str]]]:
    return ((number, line.split()) for number, line in numbered_lines(path))


def _is_finite_number(text: str) -> bool:
    try:
        finite_number(text)
    except ValueError:
        return False
    return True
