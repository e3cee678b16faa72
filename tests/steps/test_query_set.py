"""A further set of queries: of files, real collections, or the study's own; none that were trained on."""

import json
import shutil
from dataclasses import replace

import pytest

from sirbench.config import load
from sirbench.data import collections
from sirbench.data.runs import read_run
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.candidates import make_candidates
from sirbench.steps.evaluation import evaluate_candidates
from sirbench.steps.query_set import make_query_set
from sirbench.study import QuerySet
from tests.checkouts import ROOT
from tests.data import own


@pytest.fixture
def configured(tmp_path, monkeypatch, pydocs_sliver):
    """Study `test` with a further set `far`."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    path = tmp_path / "config/studies/test.yaml"

    def configured(**spec):
        path.write_text(path.read_text() + f"evaluate_on: {{far: {json.dumps(spec)}}}\n")
        return load("test")

    return configured


def record():
    return json.loads(Layout("test", "far").collection.read_text())


def test_files_of_one_s_own_are_checked_and_their_dev_queries_taken(configured, tmp_path):
    own.write(tmp_path / "mine", own.files())
    make_query_set(configured(collection={"folder": "mine"}), "far")
    assert collections.load_queries(Layout("test", "far").queries("dev")) == {"q3": "third?"}
    assert record()["documents"] == 3 and set(record()["files"]) == {f"mine/{name}" for name in own.files()}
    own.write(tmp_path / "mine", {"qrels/dev.tsv": own.DEV + "q3\td3\thigh\n"})
    with pytest.raises(InputError, match=r"^mine/qrels/dev\.tsv, line 3: "):
        make_query_set(load("test"), "far")


def test_queries_with_the_words_of_a_training_query_are_left_out(configured, tmp_path, pydocs_sliver):
    """The study trains on queries of PyDocs' sliver; here is one, its words turned round, beside another."""
    trained = (pydocs_sliver / "train.queries.tsv").read_text().splitlines()[0].partition("\t")[2]
    turned = " ".join(reversed(trained.lower().split()))
    queries = [
        {"_id": "q1", "text": "first?"},
        {"_id": "q2", "text": turned},
        {"_id": "q3", "text": "third?"},
    ]
    contents = own.files() | {"queries.jsonl": own.jsonl(queries), "qrels/dev.tsv": own.DEV + "q2\td2\t1\n"}
    contents["qrels/train.tsv"] = own.HEADER + "q1\td1\t1\n"
    own.write(tmp_path / "mine", contents)
    make_query_set(configured(collection={"folder": "mine"}), "far")
    assert list(collections.load_queries(Layout("test", "far").queries("dev"))) == ["q3"]
    assert record()["trained_on"] == 1 and record()["queries"] == 1


def test_a_set_of_nothing_but_training_queries_is_refused(configured):
    config = configured(collection="pydocs-sliver/train")
    with pytest.raises(
        InputError,
        match=r"^config/studies/test\.yaml: evaluate_on\.far: pydocs-sliver/train has no query with",
    ):
        make_query_set(config, "far")


def test_a_collection_that_there_is_not_is_said_so(configured):
    with pytest.raises(InputError, match="no collection named 'vaswanni'; did you mean vaswani"):
        make_query_set(configured(collection="vaswanni"), "far")


def test_the_study_s_own_queries_are_retrieved_deeper(configured, tmp_path):
    config = configured(depth=20, queries=4)
    home = config.layout
    collections.write_queries(collections.read_queries("pydocs-sliver/dev", 6), home.queries("dev"))
    collections.write_qrels(collections.read_qrels("pydocs-sliver/dev"), home.qrels("dev"))
    make_query_set(config, "far")
    make_candidates(config.at("far"), "bm25")
    run = read_run(Layout("test", "far").candidates("bm25", "dev"))
    assert run.groupby("query_id").size().tolist() == [20] * 4
    assert not Layout("test", "far").candidates("bm25", "train").exists()
    evaluate_candidates(config.at("far"), "bm25")
    assert "R@20" in read_per_query(Layout("test", "far").candidates_per_query("bm25"))


@pytest.mark.parametrize(
    ("dataset", "documents", "queries"), [("vaswani", 11429, 93), ("cranfield", 1400, 225)]
)
def test_real_collections_with_one_set_of_queries(caches, configured, dataset, documents, queries):
    """All of their queries are tested on: nothing is trained there."""
    config = configured(collection=dataset)
    make_query_set(config, "far")
    assert (record()["documents"], record()["trained_on"]) == (documents, 0)
    assert record()["queries"] == len(collections.read_queries(dataset)) <= queries
    make_candidates(config.at("far"), "bm25")
    evaluate_candidates(config.at("far"), "bm25")
    measured = read_per_query(Layout("test", "far").candidates_per_query("bm25"))
    assert len(measured) == record()["queries"] and measured["RR@10"].mean() > 0.4


def test_a_query_that_is_a_document_does_not_get_itself(configured, tmp_path):
    documents = [{"_id": name, "text": f"the third {name} of all"} for name in ("q3", "d1", "d2", "d3")]
    own.write(tmp_path / "mine", own.files() | {"corpus.jsonl": own.jsonl(documents)})
    config = configured(collection={"folder": "mine"}, exclude_self=True)
    config = replace(config, study=config.study.model_copy(update={"depth": 2}))
    make_query_set(config, "far")
    make_candidates(config.at("far"), "bm25")
    run = read_run(Layout("test", "far").candidates("bm25", "dev"))
    assert len(run) == 2 and "q3" not in set(run["doc_id"])


def test_what_a_set_says_is_read_from_a_study_s_file(configured):
    assert configured(collection="vaswani", queries=5).study.evaluate_on == {
        "far": QuerySet(collection="vaswani", queries=5)
    }
