"""One's own collection through the steps: checked, recorded, incomplete, or of queries that are documents."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from pydantic import TypeAdapter

from sirbench.config import load
from sirbench.data import collections
from sirbench.data.own_collections import register
from sirbench.data.runs import read_run, without_self, write_run
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import sha256
from sirbench.reporting.tables.heads import candidates_head, given_notes
from sirbench.steps.candidates import make_candidates
from sirbench.steps.collection import make_collection
from sirbench.steps.evaluation import evaluate_candidates
from sirbench.steps.table import make_table
from sirbench.study import AnyCollection, FirstStage, GivenRuns
from tests.checkouts import ROOT
from tests.data import own


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Configures the test study with a collection, after the folder `mine` is written."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")

    def configured(contents, candidates=None, depth=2, **settings):
        own.write(tmp_path / "mine", contents)
        collection = TypeAdapter(AnyCollection).validate_python({"folder": "mine", **settings})
        register(collection)
        whole = load("test")
        changed = {
            "collection": collection,
            "candidates": {"bm25": candidates or FirstStage(first_stage="bm25")},
            "depth": depth,
        }
        return replace(whole, study=whole.study.model_copy(update=changed))

    return configured


def test_the_record_has_the_checksum_of_every_file(configured, tmp_path):
    make_collection(configured(own.files()))
    layout = Layout("test")
    assert collections.load_queries(layout.queries("train")) == {"q1": "first?", "q2": "second?"}
    assert layout.qrels("dev").read_text() == "q3 0 d3 1\n"
    record = json.loads(layout.collection.read_text())
    assert record["files"] == {f"mine/{name}": sha256(tmp_path / "mine" / name) for name in own.files()}
    assert record["documents"] == 3 and record["train"]["queries"] == 2


def test_a_mistake_in_a_file_stops_the_study_before_anything_is_written(configured):
    config = configured(own.files() | {"qrels/train.tsv": own.TRAIN + "q1\tdx\t1\n"})
    with pytest.raises(
        InputError, match=r"^mine/qrels/train\.tsv, line 5: document 'dx' is not in mine/corpus"
    ):
        make_collection(config)
    assert not Layout("test").root.exists()


def test_a_study_in_a_file_is_all_that_is_needed(configured, tmp_path):
    configured(own.files())
    path = tmp_path / "config/studies/test.yaml"
    text = path.read_text()
    start = text.index("collection:")
    path.write_text(text[:start] + "collection: {folder: mine}\n" + text[text.index("candidates:") :])
    make_collection(load("test"))
    assert json.loads(Layout("test").collection.read_text())["documents"] == 3


def test_a_share_that_leaves_no_query_is_refused(configured):
    contents = own.files() | {"qrels/dev.tsv": None}
    config = configured(contents, split={"dev": 1e-9})
    with pytest.raises(InputError, match=r"no dev query with a relevant document is left of own/mine-"):
        make_collection(config)


MISSING = {
    "qrels/train.tsv": own.TRAIN + "q1\tdx\t1\nq4\tdy\t1\n",
    "qrels/dev.tsv": own.DEV + "q3\tdz\t1\n",
    "queries.jsonl": own.jsonl([*own.QUERIES, {"_id": "q4", "text": "fourth?"}]),
}


def test_an_incomplete_collection_trains_on_what_it_has_and_says_so_on_tables(configured):
    config = configured(own.files() | MISSING, incomplete=True)
    make_collection(config)
    layout = Layout("test")
    assert layout.qrels("train").read_text() == "q1 0 d1 1\nq2 0 d2 2\nq2 0 d9 0\n"
    assert list(collections.load_queries(layout.queries("train"))) == ["q1", "q2"]  # q4 has no positive left
    assert layout.qrels("dev").read_text() == "q3 0 d3 1\nq3 0 dz 1\n"  # dz counts as not found
    record = json.loads(layout.collection.read_text())
    assert (record["missing"], record["relevant"]) == ({"train": 2, "dev": 1}, {"train": 4, "dev": 2})
    make_candidates(config, "bm25")
    evaluate_candidates(config, "bm25")
    make_table(config, "firststage")
    note = (
        "The collection holds only texts that somebody has retrieved: of 2 documents that are relevant to "
        "dev queries it lacks 1, which no re-ranking finds."
    )
    assert note in layout.table("firststage", "md").read_text()
    assert read_per_query(layout.candidates_per_query("bm25")).loc["q3", "R@2"] == 0.5


def test_a_whole_collection_has_no_note(configured):
    config = configured(own.files())
    make_collection(config)
    make_candidates(config, "bm25")
    evaluate_candidates(config, "bm25")
    make_table(config, "firststage")
    assert "retrieved" not in Layout("test").table("firststage", "md").read_text()


# Arguments and their counter-arguments, as in ArguAna: each query is a document, and its best match itself.
ARGUMENTS = {
    "pro1": "cars pollute the city air badly",
    "con1": "cars pollute less than the city buses",
    "pro2": "taxes fund good public schools",
    "con2": "taxes fund waste, not public schools",
    "other": "cars and taxes",
}
ARGUANA = {
    "corpus.jsonl": own.jsonl({"_id": name, "text": text} for name, text in ARGUMENTS.items()),
    "queries.jsonl": own.jsonl({"_id": name, "text": ARGUMENTS[name]} for name in ("pro1", "pro2")),
    "qrels/train.tsv": own.HEADER + "pro1\tcon1\t1\npro1\tpro1\t1\n",
    "qrels/dev.tsv": own.HEADER + "pro2\tcon2\t1\n",
}


@pytest.mark.parametrize(("exclude_self", "rank"), [(False, 2), (True, 1)])
def test_a_query_that_is_a_document_does_not_get_itself(configured, exclude_self, rank):
    config = configured(ARGUANA, exclude_self=exclude_self)
    make_collection(config)
    make_candidates(config, "bm25")
    evaluate_candidates(config, "bm25")
    layout = Layout("test")
    assert read_per_query(layout.candidates_per_query("bm25")).loc["pro2", "RR@10"] == 1 / rank
    runs = {split: read_run(layout.candidates("bm25", split)) for split in ("train", "dev")}
    found = {split: list(run["doc_id"]) for split, run in runs.items()}
    expected = {"train": ["con1", "other"], "dev": ["con2", "other"]}
    itself = {"train": ["pro1", "con1"], "dev": ["pro2", "con2"]}
    assert found == (expected if exclude_self else itself)  # two of each query, whatever is left out
    positive = layout.qrels("train").read_text()
    assert positive == ("pro1 0 con1 1\n" if exclude_self else "pro1 0 con1 1\npro1 0 pro1 1\n")


def test_given_runs_lose_the_query_itself_and_keep_the_depth(configured, tmp_path):
    for split, query in (("train", "pro1"), ("dev", "pro2")):
        lines = [(query, name, -rank) for rank, name in enumerate([query, "con1", "con2", "other"])]
        run = pd.DataFrame(lines, columns=["query_id", "doc_id", "score"]).astype({"score": float})
        write_run(run, tmp_path / f"{split}.trec", tag="given")
    runs = GivenRuns(train="train.trec", dev="dev.trec")
    config = configured(ARGUANA, candidates=runs, exclude_self=True)
    make_collection(config)
    make_candidates(config, "bm25")
    for split in ("train", "dev"):
        assert list(read_run(Layout("test").candidates("bm25", split))["doc_id"]) == ["con1", "con2"]


def test_a_run_of_all_queries_is_that_of_both_sides_of_a_split(configured, tmp_path):
    names = [f"q{i}" for i in range(20)]
    contents = own.files() | {
        "queries.jsonl": own.jsonl({"_id": name, "text": f"query {name}"} for name in names),
        "qrels/test.tsv": own.HEADER + "".join(f"{name}\td1\t1\n" for name in names),
    }
    contents = {
        name: text for name, text in contents.items() if name not in ("qrels/train.tsv", "qrels/dev.tsv")
    }
    (tmp_path / "all.trec").write_text("".join(f"{name} Q0 d2 1 1 t\n" for name in names))
    runs = GivenRuns(train="all.trec", dev="all.trec")
    make_collection(config := configured(contents, candidates=runs, split={"dev": 0.4}))
    make_candidates(config, "bm25")
    train, dev = (set(read_run(Layout("test").candidates("bm25", it))["query_id"]) for it in ("train", "dev"))
    assert train and dev and train | dev == set(names) and train.isdisjoint(dev)
    (tmp_path / "all.trec").write_text("other Q0 d2 1 1 t\n")
    with pytest.raises(InputError, match="the collection has no query 'other'"):
        make_candidates(config, "bm25")


def test_without_self_counts_after_leaving_out():
    lines = pd.DataFrame({"query_id": list("aabbb"), "doc_id": list("axxby")})
    assert without_self(lines, 1).values.tolist() == [["a", "x"], ["b", "x"]]
    assert without_self(lines).values.tolist() == [["a", "x"], ["b", "x"], ["b", "y"]]


def given(tmp_path, lines, **settings):
    """Runs of the two train queries and the dev query of `own.files()`: query, document, rank, score."""
    for split, of in lines.items():
        text = "".join(f"{query} Q0 {doc} {rank} {score} t\n" for query, doc, rank, score in of)
        (tmp_path / f"{split}.trec").write_text(text)
    return GivenRuns(train="train.trec", dev="dev.trec", **settings)


TRAIN = [("q1", "d1", 1, 9), ("q1", "d2", 2, 8), ("q2", "d2", 1, 9), ("q2", "d3", 2, 8)]
DEV = [("q3", "d3", 1, 9), ("q3", "d1", 2, 8)]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (TRAIN[:1], "covers 1 of 2 train queries, median 1 document; that fills 16.7% of 3 places"),
        (
            [(*line[:3], -line[3]) for line in TRAIN],
            "ranks contradict the scores, which decide, in 2 queries",
        ),
        ([(*line[:3], 1) for line in TRAIN], "all scores are equal, and document ids decide, in 2 queries"),
    ],
)
def test_a_given_run_without_candidates_for_most_queries_is_refused(configured, tmp_path, train, message):
    runs = given(tmp_path, {"train": train, "dev": DEV})
    make_collection(config := configured(own.files(), candidates=runs, depth=3))
    with pytest.raises(InputError, match=message):
        make_candidates(config, "bm25")
    lower = configured(own.files(), candidates=runs.model_copy(update={"least_filled": 0.0}), depth=3)
    make_candidates(lower, "bm25")


def test_a_short_run_has_its_own_depth_in_heads_of_tables(configured, tmp_path, capsys):
    runs = given(tmp_path, {"train": TRAIN, "dev": DEV})
    config = configured(own.files(), candidates=runs, depth=3)
    assert candidates_head(config, "bm25") == "BM25 Top 3"  # nothing is known yet
    make_collection(config)
    make_candidates(config, "bm25")
    said = capsys.readouterr().err
    assert "train.trec: covers 2 of 2 train queries, median 2 documents\n" in said
    assert candidates_head(config, "bm25") == "BM25 Top 2"
    assert given_notes(config, ["bm25"]) == ["The run BM25 covers 1 of 1 dev queries, median 2 documents."]


def test_a_default_threshold_is_in_no_record(tmp_path):
    runs = GivenRuns(train="train.trec", dev="dev.trec")
    assert "least_filled" not in runs.model_dump_json()
    assert "least_filled" in runs.model_copy(update={"least_filled": 0.1}).model_dump_json()
