"""TREC run files: first-stage candidates in, re-ranked results out.

In memory a run is a data frame with the columns `query_id` (str), `doc_id` (str) and `score` (float64).
Queries are in order of first appearance, the documents of a query in descending order of score, and equal
scores in descending order of document id. This is trec_eval's rule, so every evaluator sees the order that is
used here.
"""

import csv
from collections.abc import Collection, Iterable, Iterator
from math import isfinite
from pathlib import Path

import numpy as np
import pandas as pd

from sirbench.data.lines import DAMAGED, create, numbered_lines
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError, missing

COLUMNS = ["query_id", "doc_id", "score"]

# The second column and ranks are ignored, as in trec_eval; as categories they take one byte per line.
_DTYPES = {"query_id": "str", "q0": "category", "doc_id": "str", "rank": "category", "score": "float64"}
_DTYPES |= {"tag": "category"}

_LINES_PER_WRITE = 100_000


def read_run(path: Path, depth: int | None = None) -> pd.DataFrame:
    """Read at most `depth` documents per query from the run at `path`; a name that ends in .gz means gzip.

    Columns may be separated by any white space, and lines may end as on Windows. Scores determine the order,
    not the file's ranks. Raises InputError, naming file and line, for anything but six columns with a finite
    score, for a document that appears twice for a query, and for a file that is empty, truncated or not
    UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise missing(path)
    try:
        run = pd.read_csv(
            path,
            sep=r"\s+",  # any white space; the C parser has a special case for it
            header=None,
            names=list(_DTYPES),
            dtype=_DTYPES,
            na_filter=False,  # "NA" and "null" are possible ids
            quoting=csv.QUOTE_NONE,
            encoding="utf-8",
            compression="gzip" if path.suffix == ".gz" else None,
        )
    except (ValueError, *DAMAGED) as error:  # UnicodeDecodeError and pandas' ParserError are ValueErrors
        raise _first_error(path, otherwise=str(error)) from error
    too_many_columns = not isinstance(run.index, pd.RangeIndex)  # pandas made the first ones an index
    too_few_columns = "" in run["tag"].cat.categories
    if run.empty or too_many_columns or too_few_columns or not np.isfinite(run["score"]).all():
        raise _first_error(path, otherwise="not a TREC run")
    queries, documents = _codes(run)
    if pd.Series(queries * len(run) + documents).duplicated().any():
        raise _first_error(path, otherwise="a document appears twice for a query")
    run = _sort(run[COLUMNS], queries, documents)
    if depth is not None:
        run = run[run.groupby("query_id", sort=False).cumcount() < depth].reset_index(drop=True)
    return run


def sort_run(run: pd.DataFrame) -> pd.DataFrame:
    """The lines of `run` in the order that the module's docstring describes."""
    return _sort(run, *_codes(run))


def write_run(run: pd.DataFrame, path: Path, tag: str) -> None:
    """Write `run` in its own order, with ranks from 1 and scores that read back as the same float64.

    The file is compressed if its name ends in .gz. The same run always gives the same bytes.
    """
    ranks = run.groupby("query_id", sort=False).cumcount() + 1
    with atomic_file(Path(path)) as temporary, create(temporary) as file:
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
                problem = f"the score {fields[4]!r} is not a finite number"
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
        return isfinite(float(text))
    except ValueError:
        return False
