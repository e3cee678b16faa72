"""Measures per query: definitions, ties, queries without results, and the files that hold them."""

from math import log2

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sirbench.data.runs import sort_run
from sirbench.evaluation.measures import (
    parse_measure,
    per_query,
    per_query_of_parts,
    read_per_query,
    write_per_query,
)
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import manifest_of


def run_frame(*results):
    return pd.DataFrame(results, columns=["query_id", "doc_id", "score"]).astype({"score": "float64"})


def qrels_frame(*judgements):
    return pd.DataFrame(judgements, columns=["query_id", "doc_id", "relevance"]).astype(
        {"relevance": "int64"}
    )


# --- the definitions, written a second time -------------------------------------------------------------


def ranking(scores):
    """Document ids, best first: by score, then by id, both descending (trec_eval's order)."""
    return [doc for _, doc in sorted(((score, doc) for doc, score in scores.items()), reverse=True)]


def reciprocal_rank(ranked, relevance, k):
    ranks = [rank for rank, doc in enumerate(ranked[:k], 1) if relevance.get(doc, 0) >= 1]
    return 1 / ranks[0] if ranks else 0.0


def average_precision(ranked, relevance, k):
    relevant = {doc for doc, grade in relevance.items() if grade >= 1}
    precisions = [
        sum(doc in relevant for doc in ranked[:rank]) / rank
        for rank in range(1, min(k, len(ranked)) + 1)
        if ranked[rank - 1] in relevant
    ]
    return sum(precisions) / len(relevant) if relevant else 0.0


def ndcg(ranked, relevance, k):
    def dcg(gains):
        return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains[:k], 1))

    ideal = dcg(sorted(relevance.values(), reverse=True))
    return dcg([relevance.get(doc, 0) for doc in ranked]) / ideal if ideal else 0.0


def recall(ranked, relevance, k):
    relevant = {doc for doc, grade in relevance.items() if grade >= 1}
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


BY_HAND = {"RR": reciprocal_rank, "AP": average_precision, "nDCG": ndcg, "R": recall}
MEASURES = ["RR@100", "RR@10", "RR@3", "AP@20", "AP@4", "nDCG@20", "nDCG@5", "R@100", "R@3"]
# Ten and more documents, so that d10 sorts before d2 as text; scores that tie in float64, and scores that
# tie only in float32.
DOCUMENTS = [f"d{i}" for i in range(30)]
SCORES = st.sampled_from([-1.0, 0.0, 0.5, 0.5 + 1e-12, 1.0, 1e6, 1e6 + 1e-3])
RUNS = st.dictionaries(st.sampled_from(DOCUMENTS), SCORES, max_size=30)
JUDGEMENTS = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(RUNS, JUDGEMENTS), min_size=1, max_size=3))
def test_every_measure_agrees_with_its_formula_whatever_ties(topics):
    topics = {f"q{i}": topic for i, topic in enumerate(topics)}
    run = run_frame(*((q, doc, score) for q, (scores, _) in topics.items() for doc, score in scores.items()))
    qrels = qrels_frame(
        *((q, doc, grade) for q, (_, judged) in topics.items() for doc, grade in judged.items())
    )
    values = per_query(run, qrels, list(topics), MEASURES)
    for query, (scores, judged) in topics.items():
        for measure in MEASURES:
            formula, cutoff = measure.split("@")
            expected = BY_HAND[formula](ranking(scores), judged, int(cutoff))
            assert values.loc[query, measure] == pytest.approx(expected, abs=1e-9), (query, measure)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RUNS, JUDGEMENTS), min_size=1, max_size=5), st.integers(1, 5), st.booleans())
def test_a_run_in_parts_has_the_values_of_the_whole(topics, size, with_cutoffs):
    topics = {f"q{i}": topic for i, topic in enumerate(topics)}
    runs = [run_frame(*((q, doc, score) for doc, score in run.items())) for q, (run, _) in topics.items()]
    qrels = qrels_frame(
        *((q, doc, grade) for q, (_, judged) in topics.items() for doc, grade in judged.items())
    )
    measures = MEASURES if with_cutoffs else [*MEASURES, "AP", "RR"]
    parts = [sort_run(pd.concat(runs[start : start + size])) for start in range(0, len(runs), size)]
    whole = per_query(pd.concat(runs), qrels, list(topics), measures)
    pd.testing.assert_frame_equal(per_query_of_parts(parts, qrels, list(topics), measures), whole)


# --- single behaviours ----------------------------------------------------------------------------------


def test_values_worked_out_on_paper():
    run = run_frame(("q", "a", 9), ("q", "b", 8), ("q", "c", 7), ("q", "d", 6))
    qrels = qrels_frame(("q", "b", 1), ("q", "d", 2), ("q", "missed", 1), ("q", "a", 0))
    values = per_query(run, qrels, ["q"], ["RR@100", "AP@20", "nDCG@20", "R@100"]).loc["q"]
    assert values["RR@100"] == 1 / 2
    assert values["AP@20"] == pytest.approx((1 / 2 + 2 / 4) / 3)
    ideal = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert values["nDCG@20"] == pytest.approx((1 / log2(3) + 2 / log2(5)) / ideal)
    assert values["R@100"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("measure", ["RR@100", "RR@10", "AP@20"])
def test_ties_are_broken_by_document_id_descending_as_in_trec_eval(measure):
    run = run_frame(("q", "a", 1.0), ("q", "b", 1.0))
    assert per_query(run, qrels_frame(("q", "b", 1)), ["q"], [measure]).loc["q", measure] == 1.0
    assert per_query(run, qrels_frame(("q", "a", 1)), ["q"], [measure]).loc["q", measure] == 0.5


@pytest.mark.parametrize("measure", ["RR@100", "AP@20", "nDCG@20"])
def test_scores_that_differ_only_beyond_float32_are_no_tie(measure):
    run = run_frame(("q", "a", 1.0 + 1e-12), ("q", "b", 1.0))
    assert per_query(run, qrels_frame(("q", "a", 1)), ["q"], [measure]).loc["q", measure] == 1.0


def test_the_order_of_the_runs_lines_does_not_matter():
    results = [("q", "a", 1.0), ("q", "b", 3.0), ("q", "c", 2.0)]
    qrels = qrels_frame(("q", "c", 1))
    for order in (results, results[::-1]):
        assert per_query(run_frame(*order), qrels, ["q"], ["RR@10"]).loc["q", "RR@10"] == 0.5


def test_ms_marco_mrr_counts_ranks_up_to_the_cutoff_and_every_query():
    """As in ms_marco_eval: a positive at rank 100 counts 1/100, at rank 101 nothing; both queries count."""
    results = [(query, f"d{rank:03}", -rank) for query in ("at100", "at101") for rank in range(1, 102)]
    qrels = qrels_frame(("at100", "d100", 1), ("at101", "d101", 1))
    values = per_query(run_frame(*results), qrels, ["at100", "at101"], ["RR@100"])
    assert values["RR@100"].tolist() == [0.01, 0.0]
    assert values["RR@100"].mean() == 0.005


def test_a_query_without_result_or_judgement_scores_zero_and_stays_in():
    run = run_frame(("answered", "a", 1.0), ("unjudged", "a", 1.0), ("not asked for", "a", 1.0))
    qrels = qrels_frame(("answered", "a", 1), ("silent", "a", 1))
    values = per_query(run, qrels, ["silent", "answered", "unjudged"], ["RR@10", "nDCG@20"])
    assert values.index.tolist() == ["silent", "answered", "unjudged"]
    assert values.index.name == "query_id"
    assert values["RR@10"].tolist() == values["nDCG@20"].tolist() == [0.0, 1.0, 0.0]


def test_an_empty_run_scores_zero():
    values = per_query(run_frame(), qrels_frame(("q", "a", 1)), ["q"], ["RR@100", "AP@20"])
    assert values.to_numpy().tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    "name",
    ["", "MRR100", "RR@", "RR@ten", "RR@0", "nDCG@2.5", "nDCG@-1", "RR@10, RR@100", "R", "AP(foo=1)@3"],
)
def test_what_is_no_measure_is_refused_with_examples(name):
    with pytest.raises(InputError, match=r"not a measure .* RR@100, RR@10, AP@20, nDCG@20 or R@100"):
        parse_measure(name)


# --- files ----------------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    """Values that no short decimal holds, and a query id that needs quoting."""
    frame = pd.DataFrame(
        {"RR@100": [1 / 3, 0.0, 1e-17], "AP(rel=2,judged_only=True)@20": [0.1 + 0.2, 1.0, 2 / 7]},
        index=pd.Index(["007", 'a,"b"', "all"], name="query_id", dtype="str"),
    )
    path = tmp_path / "per_query.csv"
    write_per_query(frame, path)
    return frame, path


def test_a_per_query_file_loses_no_bit(written):
    frame, path = written
    pd.testing.assert_frame_equal(read_per_query(path), frame, check_exact=True)


def test_a_per_query_file_ends_with_the_means(tmp_path):
    frame = pd.DataFrame({"RR@10": [0.25, 0.75]}, index=pd.Index(["7", "8"], name="query_id"))
    write_per_query(frame, tmp_path / "q.csv")
    assert (tmp_path / "q.csv").read_text() == "query_id,RR@10\n7,0.25\n8,0.75\nall,0.5\n"


def test_a_file_cut_at_any_byte_is_refused_by_name(written):
    _, path = written
    whole = path.read_bytes()
    manifest_of(path).unlink()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"per_query\.csv: not a complete per-query file"):
            read_per_query(path)


@pytest.mark.parametrize(
    "content",
    [
        b"step,loss\n1,0.5\nall,0.5\n",
        b"query_id,RR@10\n1,high\nall,0.5\n",
        b"query_id,RR@10\n1,0.5,0.7\nall,0.5\n",
        b"query_id,RR@10\n1,0.5\n2,0.7\nall,0.5\n",
        b"\x1f\x8b\x08\x00\xff",
    ],
)
def test_a_foreign_or_edited_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "foreign.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"foreign\.csv"):
        read_per_query(path)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such per-query file"):
        read_per_query(tmp_path / "none.csv")
