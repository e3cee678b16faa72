"""What is said of a given run: what it covers, and whether its scores order it as its ranks do."""

import pandas as pd
import pytest

from sirbench.data.run_facts import contradicting_queries, run_facts
from sirbench.data.runs import read_run


def facts_of(scores, queries, contradicting=()):
    lines = [(query, f"d{i}", float(score)) for query, of in scores.items() for i, score in enumerate(of)]
    run = pd.DataFrame(lines, columns=["query_id", "doc_id", "score"])
    return run_facts(run, queries, "train", contradicting)


def test_a_sentence_says_what_a_run_covers():
    facts = facts_of({f"q{i}": [3, 2, 1] for i in range(21)}, [f"q{i}" for i in range(200)])
    assert facts.sentence() == "covers 21 of 200 train queries, median 3 documents"
    assert facts.filled(100) == pytest.approx(21 * 3 / (200 * 100))


def test_other_queries_do_not_count():
    facts = facts_of({"q1": [2, 1], "other": [1]}, ["q1", "q2"])
    assert facts.sentence() == "covers 1 of 2 train queries, median 2 documents"


def test_no_query_is_covered():
    facts = facts_of({"other": [1]}, ["q1"])
    assert facts.sentence() == "covers 0 of 1 train queries, median 0 documents"
    assert facts.filled(10) == 0 and facts.most == 0


def test_queries_without_an_order_of_their_own_fill_no_place():
    scores = {"good": [3, 2], "equal": [1, 1], "single": [1], "reversed": [2, 1, 0]}
    facts = facts_of(scores, scores, contradicting={"reversed", "elsewhere"})
    assert facts.sentence() == (
        "covers 4 of 4 train queries, median 2 documents; ranks contradict the scores, which decide, in 1 "
        "queries; all scores are equal, and document ids decide, in 1 queries"
    )
    assert facts.filled(3) == 3 / 12 and facts.most == 3


@pytest.mark.parametrize(
    ("lines", "contradicting"),
    [
        (["q 0 a 1 9 t", "q 0 b 2 8 t"], set()),
        (["q 0 b 2 8 t", "q 0 a 1 9 t"], set()),  # the order of lines says nothing
        (["q 0 a 1 8 t", "q 0 b 2 9 t"], {"q"}),  # scores are distances
        (["q 0 a 2 9 t", "q 0 b 1 9 t"], set()),  # equal scores
        (["q 0 a 0 9 t", "q 0 b 0 8 t"], set()),  # ranks that say nothing
        (["q 0 a x 9 t", "q 0 b y 8 t"], set()),
        (["q 0 a 10 9 t", "q 0 b 9 8 t"], {"q"}),  # numbers, not texts
        (["p 0 a 1 8 t", "q 0 a 1 9 t", "p 0 b 2 7 t", "q 0 b 2 10 t"], {"q"}),
    ],
)
def test_ranks_that_contradict_scores_are_found(tmp_path, lines, contradicting):
    path = tmp_path / "run.trec"
    path.write_text("".join(f"{line}\n" for line in lines))
    assert contradicting_queries(path) == contradicting
    assert set(read_run(path)["query_id"]) >= contradicting
