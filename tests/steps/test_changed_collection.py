"""The collection that a later job reads is the one that was recorded, or it says which file is another."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import ir_datasets
import pytest
from pydantic import TypeAdapter

from sirbench.config import load
from sirbench.data import collections
from sirbench.data.own_collections import register
from sirbench.data.sources import check_sources, look_at_sources
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.backbone import fetch_backbone, tokenize
from sirbench.steps.candidates import make_candidates
from sirbench.steps.collection import make_collection
from sirbench.steps.first_stage import train_first_stage
from sirbench.study import AnyCollection, Collection, FirstStage
from tests.checkouts import ROOT
from tests.data import own

CORPUS = "mine/corpus.jsonl"
LAYOUT = Layout("test")


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Study `test` of a collection of one's own, recorded."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    own.write(tmp_path / "mine", own.files())
    collection = TypeAdapter(AnyCollection).validate_python({"folder": "mine"})
    register(collection)
    whole = load("test")
    dense = FirstStage(first_stage="dense", backbone="bert")
    changed = {
        "collection": collection,
        "candidates": {"bm25": FirstStage(first_stage="bm25"), "dense": dense},
    }
    config = replace(whole, study=whole.study.model_copy(update=changed))
    make_collection(config)
    return config


def change_text():
    """Another word, of as many letters, in one document; the time of writing is what it was."""
    path = Path(CORPUS)
    before = path.stat()
    path.write_text(path.read_text().replace("the third", "the thirt"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


READERS = (
    lambda config: tokenize(config, "bert"),
    lambda config: make_candidates(config, "bm25"),
    lambda config: fetch_backbone(config, "bert"),
    lambda config: train_first_stage(config, "dense"),
)


def test_every_job_that_reads_documents_notices_another_text(config):
    change_text()
    for read in READERS:
        with pytest.raises(InputError) as refused:
            read(config)
        said = str(refused.value)
        assert said.startswith(f"{CORPUS}: changed since {LAYOUT.collection} was made: ")
        assert f"remove {LAYOUT.root} to make everything of the study anew" in said


def test_a_file_that_was_written_again_with_the_same_text_is_the_same(config):
    Path(shutil.copyfile(CORPUS, "copy")).replace(CORPUS)
    make_candidates(config, "bm25")
    noted = json.loads(LAYOUT.collection.with_name(".collection.sources").read_text())
    assert noted == look_at_sources(config.study.collection)  # and the next job reads it once


def test_a_document_more_or_less_is_another_collection(config):
    whole = own.jsonl(own.DOCUMENTS)
    for text in (own.jsonl(own.DOCUMENTS[:2]), whole + '{"_id": "d4", "text": "more"}\n'):
        own.write(Path(), {CORPUS: text})
        with pytest.raises(InputError, match=CORPUS):
            check_sources(config.study.collection, LAYOUT.collection)
    own.write(Path(), {CORPUS: whole})
    check_sources(config.study.collection, LAYOUT.collection)


def test_another_query_is_another_collection_too(config):
    other = [{**query, "text": query["text"].replace("first", "Other")} for query in own.QUERIES]
    own.write(Path(), {"mine/queries.jsonl": own.jsonl(other)})
    with pytest.raises(InputError, match=r"mine/queries\.jsonl: changed"):
        check_sources(config.study.collection, LAYOUT.collection)


def test_what_was_recorded_without_its_files_is_taken_as_it_is(config):
    LAYOUT.collection.with_name(".collection.sources").unlink()
    change_text()
    check_sources(config.study.collection, LAYOUT.collection)


@pytest.mark.usefixtures("caches")
def test_of_a_collection_of_ir_datasets_its_own_files_are_noted():
    noted = look_at_sources(Collection(train="beir/scifact/train", dev="beir/scifact/test"))
    home = ir_datasets.util.home_path() / "beir"
    assert str(home / "scifact/source.zip") in noted
    assert not any(path.startswith(str(home / "nfcorpus")) for path in noted)


def test_documents_are_counted_not_looked_up(config, monkeypatch, caplog):
    documents = ir_datasets.load(config.study.collection.train).docs_handler()
    monkeypatch.setattr(documents, "docs_count", lambda: 99)
    make_collection(config)
    assert json.loads(LAYOUT.collection.read_text())["documents"] == 3
    assert "has 3 documents, and ir_datasets says 99" in caplog.text
    assert collections.count_documents(config.study.collection.train) == 99
