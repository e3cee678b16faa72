"""Runs: the order of documents, exact scores, and one clear error for each kind of bad file."""

import bz2
import gzip
import lzma
import subprocess
import sys

import pandas as pd
import pytest
import pytrec_eval

from sirbench.data import runs
from sirbench.data.runs import check_ids, in_parts, read_run, run_parts, sort_run, write_run
from sirbench.machine.errors import InputError


def run_of(*lines):
    return pd.DataFrame(lines, columns=["query_id", "doc_id", "score"]).astype(
        {"query_id": "str", "doc_id": "str", "score": "float64"}
    )


def triples(run):
    return list(run.itertuples(index=False, name=None))


def test_scores_decide_the_order_and_ranks_are_ignored(tmp_path):
    path = tmp_path / "run.trec"
    path.write_text("q2 Q0 a 1 0.5 t\nq1 Q0 b 1 -3 t\nq2 Q0 b 2 1e1 t\nq1 Q0 a 2 -2.5 t\n")
    assert triples(read_run(path)) == [("q2", "b", 10), ("q2", "a", 0.5), ("q1", "a", -2.5), ("q1", "b", -3)]


def test_columns_have_the_promised_types(tmp_path):
    path = tmp_path / "run.trec"
    path.write_text("007 Q0 1e3 1 2 t\nNA Q0 null 1 1 t\n")
    run = read_run(path)
    assert triples(run) == [("007", "1e3", 2.0), ("NA", "null", 1.0)]
    assert run["score"].dtype == "float64"


def test_ties_are_broken_as_trec_eval_breaks_them():
    ids = ["D10", "D2", "d1", "D1", "é", "z"]
    ours = triples(sort_run(run_of(*(("q", doc_id, 1.0) for doc_id in ids))))
    for rank, (_, doc_id, _) in enumerate(ours, start=1):
        evaluator = pytrec_eval.RelevanceEvaluator({"q": {doc_id: 1}}, {"recip_rank"})
        theirs = evaluator.evaluate({"q": dict.fromkeys(ids, 1.0)})["q"]["recip_rank"]
        assert theirs == pytest.approx(1 / rank)


def test_depth_keeps_the_best_documents_of_each_query(tmp_path):
    path = tmp_path / "run.trec"
    path.write_text("1 Q0 a 1 1 t\n1 Q0 b 2 3 t\n1 Q0 c 3 2 t\n2 Q0 a 1 1 t\n")
    assert triples(read_run(path, depth=2)) == [("1", "b", 3), ("1", "c", 2), ("2", "a", 1)]


# Four queries of two to four documents, with ties; "b" has the last place of a chunk of three and of four.
GROUPED = [
    *(("b", name, score) for name, score in (("d1", 1), ("d2", 2), ("d3", 2), ("d4", 5))),
    *(("a", name, score) for name, score in (("d1", 0), ("d2", 3))),
    *(("c", name, score) for name, score in (("d9", 1), ("d8", 1), ("d7", 1))),
    *(("d", name, score) for name, score in (("d1", 1), ("d2", 2))),
]
SCATTERED = [*GROUPED[::2], *GROUPED[1::2]]


def text_of(lines):
    return "".join(f"{query} Q0 {document} 0 {score} t\n" for query, document, score in lines)


@pytest.mark.parametrize("lines", [GROUPED, SCATTERED, GROUPED[::-1]], ids=["together", "scattered", "back"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("depth", [None, 2])
def test_a_run_is_the_same_in_whatever_pieces_it_is_read(tmp_path, monkeypatch, lines, at_once, depth):
    path = tmp_path / "run.trec"
    path.write_text(text_of(lines))
    monkeypatch.setattr(runs, "_LINES_PER_READ", at_once)
    expected = [
        line
        for query in dict.fromkeys(query for query, _, _ in lines)
        for line in sorted((it for it in lines if it[0] == query), key=lambda it: it[:0:-1], reverse=True)[
            :depth
        ]
    ]
    assert triples(read_run(path, depth)) == expected


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 100])
def test_parts_are_of_whole_queries(tmp_path, monkeypatch, at_once):
    path = tmp_path / "run.trec"
    path.write_text(text_of(GROUPED))
    monkeypatch.setattr(runs, "_LINES_PER_READ", at_once)
    parts = list(run_parts(path))
    queries = [query for part in parts for query in part["query_id"].unique()]
    assert queries == ["b", "a", "c", "d"] and len(parts) == {1: 4, 2: 4, 3: 4, 4: 3, 100: 2}[at_once]
    again = list(in_parts(pd.concat(parts)))
    assert [query for part in again for query in part["query_id"].unique()] == queries
    assert [line for part in again for line in triples(part)] == triples(read_run(path))


def test_scattered_lines_are_said_to_be(tmp_path, monkeypatch):
    (tmp_path / "run.trec").write_text(text_of(SCATTERED))
    monkeypatch.setattr(runs, "_LINES_PER_READ", 2)
    with pytest.raises(runs.ScatteredError):
        list(run_parts(tmp_path / "run.trec"))


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
@pytest.mark.parametrize("lines", [[*GROUPED, ("d", "d1", 0)], [*GROUPED, ("b", "d4", 0)]], ids=["in", "out"])
def test_a_document_twice_is_found_in_whatever_pieces(tmp_path, monkeypatch, lines, at_once):
    (tmp_path / "run.trec").write_text(text_of(lines))
    monkeypatch.setattr(runs, "_LINES_PER_READ", at_once)
    with pytest.raises(InputError, match=r"run\.trec, line 12: document 'd\d' appears a second time"):
        read_run(tmp_path / "run.trec", depth=1)


def test_a_run_is_read_in_little_more_memory_than_what_is_kept(tmp_path):
    """The best ten of each query of 400,000 lines; all of them at once would take several times as much."""
    lines = (f"{i // 1000} Q0 D{i * 7919 % 3_000_000} 0 {i % 1000} t\n" for i in range(400_000))
    (tmp_path / "run.trec").write_text("".join(lines))
    code = (
        "import sys, resource; from pathlib import Path; from sirbench.data import runs\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000\n"
        "runs._LINES_PER_READ = 20_000; runs.read_run(Path(sys.argv[1])); before = used()\n"
        "kept = runs.read_run(Path(sys.argv[2]), 10); print(used() - before, len(kept))"
    )
    (tmp_path / "small.trec").write_text(text_of(GROUPED))
    command = [sys.executable, "-c", code, tmp_path / "small.trec", tmp_path / "run.trec"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, kept = map(float, done.stdout.split())
    assert kept == 4000 and grown < 25


@pytest.mark.parametrize(
    "text",
    [
        "1 Q0 a 1 2.5 t\r\n2 Q0 b 1 1.5 t\r\n",
        "1\tQ0\ta\t1\t2.5\tt\n2\tQ0\tb\t1\t1.5\tt\n",
        "  1   Q0 a 1\t2.5  t  \n\n2 Q0 b 1 1.5 t",
        "\ufeff1 Q0 a 1 2.5 t\n2 Q0 b 1 1.5 t\n",
    ],
    ids=["windows", "tabs", "blanks", "byte-order-mark"],
)
def test_harmless_variations_are_read(tmp_path, text):
    path = tmp_path / "run.trec"
    path.write_bytes(text.encode())
    assert triples(read_run(path)) == [("1", "a", 2.5), ("2", "b", 1.5)]


@pytest.mark.parametrize("name", ["run.trec", "run.trec.gz"])
def test_scores_read_back_exactly(tmp_path, name):
    scores = [1e300, 1.0000000000000002, 1.0, 1 / 3, 0.1 + 0.2, 5e-324, -1e-7, -2.0]
    run = run_of(*(("q", f"d{rank}", score) for rank, score in enumerate(scores)))
    write_run(run, tmp_path / name, tag="test")
    pd.testing.assert_frame_equal(read_run(tmp_path / name), run)


def test_a_written_run_has_six_columns_and_ranks_from_one(tmp_path):
    write_run(run_of(("1", "b", 3), ("1", "a", 2), ("2", "a", 0.25)), tmp_path / "run.trec", tag="mine")
    assert (tmp_path / "run.trec").read_text() == "1 Q0 b 1 3.0 mine\n1 Q0 a 2 2.0 mine\n2 Q0 a 1 0.25 mine\n"


def test_a_compressed_run_has_the_same_bytes_every_time(tmp_path, monkeypatch):
    run = run_of(("1", "b", 3), ("1", "a", 2))
    write_run(run, tmp_path / "one.gz", tag="t")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    write_run(run, tmp_path / "two.gz", tag="t")
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("1 Q0 a 1 2 t\n2 Q0 a 1 2 t\n1 Q0 a 2 1 t\n", 3, "document 'a' appears a second time for query '1'"),
        ("1 Q0 a 1 2 t\n\n1 Q0 b 2 1\n", 3, "found 5"),
        ("1 Q0 a 1 2\n", 1, "found 5"),
        ("1 Q0 a 1 2 t\n1 Q0 b 2 1 t u\n", 2, "found 7"),
        ("1 Q0 a 1 2 t 9\n1 Q0 b 2 1 t 8\n", 1, "found 7"),
        ("1 Q0 a 1 2 3 9\n1 Q0 b 2 1 3 8\n", 1, "found 7"),
        ("1 Q0 a 1 2 t\n1 Q0 b 2 high t\n", 2, "'high'"),
        ("1 Q0 a 1 2 t\n1 Q0 b 2 1,5 t\n", 2, "'1,5'"),
        ("1 Q0 a 1 2 t\n1 Q0 b 2 nan t\n", 2, "'nan'"),
        ("1 Q0 a 1 inf t\n1 Q0 b 2 1 t\n", 1, "'inf'"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, line, problem):
    path = tmp_path / "run.trec"
    path.write_text(text)
    with pytest.raises(InputError, match=f"run.trec, line {line}: .*{problem}"):
        read_run(path)


@pytest.mark.parametrize("content", [b"", b"\r\n \r\n"])
def test_an_empty_file_is_an_error(tmp_path, content):
    (tmp_path / "run.trec").write_bytes(content)
    with pytest.raises(InputError, match=r"run\.trec: the run is empty"):
        read_run(tmp_path / "run.trec")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_run(tmp_path / "run.trec")


def test_bytes_that_are_not_utf8_are_an_error(tmp_path):
    (tmp_path / "run.trec").write_bytes(b"1 Q0 a 1 2 t\n1 Q0 caf\xe9 2 1 t\n")
    with pytest.raises(InputError, match=r"run\.trec, line 2: not UTF-8"):
        read_run(tmp_path / "run.trec")


def test_a_truncated_gzip_names_the_last_good_line(tmp_path):
    path = tmp_path / "run.gz"
    text = "".join(f"{query} Q0 d{rank} {rank} {-rank} t\n" for query in range(99) for rank in range(99))
    path.write_bytes(gzip.compress(text.encode())[:-4000])
    with pytest.raises(InputError, match=r"run\.gz, after line \d+: truncated"):
        read_run(path)


def test_a_plain_file_named_gz_is_an_error(tmp_path):
    (tmp_path / "run.gz").write_text("1 Q0 a 1 2 t\n")
    with pytest.raises(InputError, match="truncated, or not gzip at all"):
        read_run(tmp_path / "run.gz")


class TestCheckIds:
    text = "1 Q0 a 1 9 t\n2 Q0 b 1 1 t\n2 Q0 x 2 5 t\n9 Q0 a 1 1 t\n"

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "run.gz"
        path.write_bytes(gzip.compress(self.text.encode()))
        return path

    def test_known_ids_pass_whether_or_not_the_run_covers_them_all(self, path):
        check_ids(read_run(path), path, queries={"1", "2", "9", "10"}, documents={"a", "b", "x", "y"})

    def test_none_leaves_a_kind_of_id_unchecked(self, path):
        check_ids(read_run(path), path, queries=None, documents={"a", "b", "x"})

    def test_the_first_unknown_document_is_named(self, path):
        with pytest.raises(InputError, match=r"run\.gz, line 3: the collection has no document 'x'"):
            check_ids(read_run(path), path, queries={"1", "2"}, documents={"a", "b"})

    def test_the_first_unknown_query_is_named(self, path):
        with pytest.raises(InputError, match=r"run\.gz, line 4: the collection has no query '9'"):
            check_ids(read_run(path), path, queries={"1", "2"}, documents={"a", "b", "x"})


@pytest.mark.parametrize(("ending", "module"), [(".bz2", bz2), (".xz", lzma)])
def test_other_compression_is_read_and_damage_is_named(tmp_path, ending, module):
    path = tmp_path / f"run.trec{ending}"
    packed = module.compress(text_of(GROUPED).encode())
    path.write_bytes(packed)
    assert len(read_run(path)) == len(GROUPED)
    for damaged in (packed[:-10], b"1 Q0 a 1 2.5 t\n"):
        path.write_bytes(damaged)
        with pytest.raises(
            InputError, match=r"run\.trec\.\w+, after line \d+: truncated, or not (bzip2|xz) at all"
        ):
            read_run(path)
