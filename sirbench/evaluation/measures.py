"""Measures per query, computed by ir_measures, and the CSV files that hold them."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ir_measures
import pandas as pd

from sirbench.data.numbers import finite_number
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import check_manifest, recorded_file

MEANS_ROW = "all"
"""The id of the last line of a per-query file, which has the means; trec_eval uses the same name."""


def parse_measure(name: str) -> ir_measures.Measure:
    """The ir_measures object for a name such as `nDCG@20`.

    Raises InputError if there is no such measure, or no installed provider computes it.
    """
    try:
        measure = ir_measures.parse_measure(name)
        pipeline: Any = ir_measures.DefaultPipeline  # whose methods have no types
        supported = pipeline.supports(measure) and measure.params.get("cutoff", 1) > 0
    except (ValueError, NameError, TypeError, AssertionError) as error:
        raise InputError(_unknown_measure(name)) from error
    if not supported:
        raise InputError(_unknown_measure(name))
    return measure


def per_query(
    run: pd.DataFrame, qrels: pd.DataFrame, queries: Sequence[str], measures: Sequence[str]
) -> pd.DataFrame:
    """The values of `measures` for each of `queries`: float64, index query_id, a column per measure.

    A query without a result scores 0 and stays in. The definitions are those of trec_eval and of the official
    MS MARCO script:

    * `RR@k`: 1 / rank of the first relevant document, 0 if that is beyond rank k;
    * `AP@k` (trec_eval's map_cut): the sum of the precisions at the relevant documents' ranks up to k,
      divided by the number of all relevant documents, even if that exceeds k;
    * `nDCG@k` (trec_eval's ndcg_cut): gain = relevance, discount = log2(rank + 1), divided by the same sum
      over the best possible ranking of all judged documents;
    * `R@k`: the share of all relevant documents that is found up to rank k.

    Relevant means relevance >= 1. Documents are ranked by score, ties by document id, descending as in
    trec_eval.

    Args:
        run: columns query_id, doc_id, score; no document twice for a query.
        qrels: columns query_id, doc_id, relevance.
        queries: the ids of the queries to report, in this order; other queries of the run are ignored.
        measures: names as ir_measures writes them; InputError if one is not a measure.
    """
    parsed = [parse_measure(name) for name in measures]
    evaluator = ir_measures.evaluator(set(parsed), qrels)
    ranked = _scored_by_rank(run[run["query_id"].isin(list(queries))])
    values = {(metric.measure, metric.query_id): metric.value for metric in evaluator.iter_calc(ranked)}
    columns = {
        name: [values.get((measure, query), 0.0) for query in queries]
        for name, measure in zip(measures, parsed, strict=True)
    }
    return pd.DataFrame(columns, index=pd.Index(list(queries), name="query_id", dtype="str"), dtype="float64")


def per_query_of_parts(
    parts: Iterable[pd.DataFrame], qrels: pd.DataFrame, queries: Sequence[str], measures: Sequence[str]
) -> pd.DataFrame:
    """The same as `per_query`, of a run that comes in parts of whole queries, in the order of runs.

    Where all measures have a cutoff, what is beyond the largest is not looked at.
    """
    cutoffs: list[float] = [parse_measure(name).params.get("cutoff") or math.inf for name in measures]
    names = pd.Index(list(queries), name="query_id", dtype="str")
    frames = [pd.DataFrame(columns=list(measures), index=names[:0], dtype="float64")]
    for part in parts:
        known = names.intersection(pd.Index(part["query_id"].unique()), sort=False)
        judged = qrels[qrels["query_id"].isin(known)]
        part = part[part.groupby("query_id", sort=False).cumcount() < max(cutoffs)]
        frames.append(per_query(part, judged, known.tolist(), measures))
    return pd.concat(frames).reindex(names, fill_value=0.0)


def write_per_query(frame: pd.DataFrame, path: Path) -> None:
    """Write the result of `per_query` as CSV, with values that read back exactly and a last line of means.

    The line of means, "all", is for readers, and tells `read_per_query` that the file is complete. Without a
    query, which is how a model that diverged is measured, there is the head alone.
    """
    means = frame.mean().to_frame(MEANS_ROW).T.rename_axis("query_id")
    with recorded_file(path) as temporary:
        (pd.concat([frame, means]) if len(frame) else frame).to_csv(temporary, lineterminator="\n")


def read_per_query(path: Path) -> pd.DataFrame:
    """Read a file of `write_per_query`, without the means.

    Raises InputError if the file is missing, truncated, edited, or not a per-query file, or if it is that of
    a model that diverged.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{path}: not a regular file")
    check_manifest(path)
    try:
        text = Path(path).read_bytes().decode("utf-8")
        header, *lines = csv.reader(text.splitlines(keepends=True), strict=True)
        if header[:1] != ["query_id"] or any(len(line) != len(header) for line in lines):
            raise ValueError("not a table of measures by query_id")
        if not text.endswith("\n") or len(lines) < 2 or lines[-1][0] != MEANS_ROW:
            raise ValueError(
                f'no line "{MEANS_ROW}" with the means at the end: truncated, or of a model that diverged'
            )
        values = [[finite_number(value) for value in line[1:]] for line in lines]
        index = pd.Index([line[0] for line in lines[:-1]], name="query_id", dtype="str")
        frame = pd.DataFrame(values[:-1], index=index, columns=header[1:], dtype="float64")
        if not all(map(_close, frame.mean(), values[-1])):
            raise ValueError(f'the line "{MEANS_ROW}" does not have the means of the lines above')
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such per-query file; run `sirbench evaluate` first") from error
    except (ValueError, csv.Error, OSError) as error:
        raise InputError(
            f"{path}: not a complete per-query file ({error}); delete it and run again"
        ) from error
    return frame


def _scored_by_rank(run: pd.DataFrame) -> pd.DataFrame:
    """The run with negative ranks as scores, so that no provider has to break ties.

    ir_measures computes RR with MS MARCO's script, to which it passes ties in ascending order of document id.
    It computes the rest with trec_eval, which breaks ties in descending order and sees more ties in its
    float32 scores.
    """
    ranked = run.sort_values(["query_id", "score", "doc_id"], ascending=[True, False, False])
    return ranked.assign(score=-ranked.groupby("query_id").cumcount().astype("float64"))


def _unknown_measure(name: str) -> str:
    return (
        f"measures: {name!r} is not a measure that ir_measures computes; "
        "write for example RR@100, RR@10, AP@20, nDCG@20 or R@100"
    )


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)
