"""Step `collection`: splits of one collection, with no query in both, or one message and no file."""

import hashlib
import json
from dataclasses import replace

import ir_datasets
import pytest
from ir_datasets.formats import GenericDoc, GenericQuery, TrecQrel

from sirbench.config import load
from sirbench.data import collections
from sirbench.data.validation import read_held_out
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.collection import make_collection
from sirbench.study import Collection
from tests.checkouts import ROOT


class Docs(ir_datasets.formats.BaseDocs):
    def docs_iter(self):
        return (GenericDoc(name, f"text of {name}") for name in ("d1", "d2", "d3"))

    def docs_count(self):
        return 3


class Queries(ir_datasets.formats.BaseQueries):
    def __init__(self, texts):
        self.texts = texts

    def queries_iter(self):
        return (GenericQuery(*query) for query in self.texts.items())


class Qrels(ir_datasets.formats.BaseQrels):
    def __init__(self, judgements):
        self.judgements = judgements

    def qrels_iter(self):
        return (TrecQrel(*judgement, "0") for judgement in self.judgements)


TRAIN = {"1": "one", "2": "two", "3": "three"}
TRAIN_QRELS = [("1", "d1", 1), ("2", "d2", 1), ("2", "d3", 0), ("3", "d3", 0)]


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes the collection of a study whose dev split has these queries and judgements."""
    monkeypatch.chdir(tmp_path)

    def make(texts, judgements, more=0, train=None, **limits):
        """With so many more training queries, or with these instead."""
        further = {f"t{number}": f"text {number}" for number in range(more)} if train is None else train
        asked = further if train else TRAIN | further
        judged = [*([] if train else TRAIN_QRELS), *((name, "d1", 1) for name in further)]
        splits = {"toy/train": (asked, judged), "toy/dev": (texts, judgements)}
        registered = {
            name: ir_datasets.Dataset(Docs(), Queries(texts), Qrels(judgements))
            for name, (texts, judgements) in splits.items()
        }
        monkeypatch.setattr(ir_datasets.registry, "_registered", registered)
        whole = load("test", ROOT / "config")
        spec = Collection(train="toy/train", dev="toy/dev", **limits)
        make_collection(replace(whole, study=whole.study.model_copy(update={"collection": spec})))

    return make


def test_both_splits_and_their_record_are_written(make):
    make({"8": "eight", "9": "nine"}, [("9", "d1", 2), ("9", "dx", 0), ("8", "dy", 0)])
    layout = Layout("test")
    assert collections.load_queries(layout.queries("train")) == {"1": "one", "2": "two"}
    assert collections.load_queries(layout.queries("dev")) == {"9": "nine"}
    assert layout.qrels("train").read_text() == "1 0 d1 1\n2 0 d2 1\n2 0 d3 0\n"
    assert layout.qrels("dev").read_text() == "9 0 d1 2\n9 0 dx 0\n"
    lines = "".join(f"{name}\ttext of {name}\n" for name in ("d1", "d2", "d3"))
    lines += "train\t1\tone\ntrain\t2\ttwo\ndev\t9\tnine\n"
    assert json.loads(layout.collection.read_text()) == {
        "documents": 3,
        "train": {"dataset": "toy/train", "queries": 2},
        "dev": {"dataset": "toy/dev", "queries": 1},
        "fingerprint": hashlib.sha256(lines.encode()).hexdigest(),
    }


def refused(make, message, *dev, **limits):
    with pytest.raises(InputError, match=rf"^config/studies/test\.yaml: collection: {message}"):
        make(*dev, **limits)
    assert not Layout("test").collection.parent.exists()


@pytest.mark.parametrize("text", ["two", "another"])
@pytest.mark.parametrize("limits", [{}, {"train_queries": 1}], ids=str)
def test_a_training_query_is_no_dev_query_whatever_its_text(make, text, limits):
    """Kept by the study or not: first stages learn from all of them."""
    dev = {"1": text, "2": text, "9": "nine"}, [("9", "d1", 1), ("2", "d1", 1), ("1", "d1", 1)]
    message = "2 queries of toy/dev have the id of a training query of toy/train, e.g. 1, 2; .*another split"
    refused(make, message, *dev, **limits)


def test_a_query_that_is_relevant_to_nothing_is_no_training_query(make):
    make({"3": "three"}, [("3", "d3", 1)])
    assert collections.load_queries(Layout("test").queries("dev")) == {"3": "three"}


def test_a_training_positive_outside_the_collection_is_said_here(make, monkeypatch):
    """Not at training, where the reason would be a wrong one."""
    outside = [*TRAIN_QRELS, ("1", "dx", 1), ("1", "dy", 0)]
    monkeypatch.setitem(globals(), "TRAIN_QRELS", outside)
    message = (
        "1 documents that are relevant in toy/train have no text there, e.g. dx; nothing can be trained on a "
        "positive without its text; `incomplete: true` leaves it out"
    )
    refused(make, message, {"9": "nine"}, [("9", "d1", 1)])


def test_a_training_positive_of_a_query_that_is_not_kept_matters_to_nobody(make, monkeypatch):
    lowest = min("12", key=lambda query: hashlib.sha256(query.encode()).digest())
    other = {"1": "2", "2": "1"}[lowest]
    monkeypatch.setitem(globals(), "TRAIN_QRELS", [*TRAIN_QRELS, (other, "dx", 1)])
    make({"9": "nine"}, [("9", "d1", 1)], train_queries=1)
    assert list(collections.load_queries(Layout("test").queries("train"))) == [lowest]


def test_dev_judgements_of_another_collection(make):
    message = (
        "4 documents that are relevant in toy/dev are not in toy/train, e.g. e1, e2, e3; "
        "both must be over the same documents"
    )
    refused(make, message, {"9": "nine"}, [("9", name, 1) for name in ("d1", "e4", "e3", "e2", "e1")])


def test_a_few_relevant_documents_that_are_missing_are_a_warning(make, caplog):
    make({"9": "nine"}, [("9", name, 1) for name in ("d1", "d2", "e1")])
    assert "1 of 3 documents that are relevant in toy/dev are not in toy/train" in caplog.text
    assert Layout("test").collection.exists()


def test_validation_queries_are_of_the_training_side_and_in_no_other_set(make):
    make({"9": "nine"}, [("9", "d1", 1)], validation_queries=2, train_queries=None, more=20)
    layout = Layout("test")
    train, validation = (collections.load_queries(layout.queries(split)) for split in ("train", "validation"))
    assert len(validation) == 2 and not validation.keys() & (train.keys() | {"9"})
    assert len(train) + len(read_held_out(layout.held_out)) == 22
    judged = collections.load_qrels(layout.qrels("validation"))
    assert set(judged["query_id"]) == set(validation)
    assert "validation" not in layout.collection.read_text()


def test_a_fixed_number_of_training_queries_stays_the_same_with_validation_queries(make):
    kept = []
    for validation in (None, 5):
        make({"9": "nine"}, [("9", "d1", 1)], validation_queries=validation, train_queries=6, more=20)
        layout = Layout("test")
        files = (layout.queries("train"), layout.qrels("train"), layout.queries("dev"), layout.collection)
        kept.append([path.read_bytes() for path in files])
    assert kept[0] == kept[1]


def test_queries_of_the_same_words_are_on_one_side(make):
    texts = {f"a{number}": f"{number} of the same words" for number in range(12)}
    twins = {f"b{number}": f"Words, the same: of {number}" for number in range(12)}
    make({"9": "nine"}, [("9", "d1", 1)], validation_queries=9, train=texts | twins)
    held_out = read_held_out(Layout("test").held_out)
    assert {name[1:] for name in held_out if name[0] == "a"} == {
        name[1:] for name in held_out if name[0] == "b"
    }
    assert len(held_out) == 10


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"validation_queries": 20, "train_queries": 6}, "there are only 16 queries"),
        ({"validation_queries": 30}, "there are only 22 queries"),
        ({"validation_queries": 22}, "22 leave no query to train on; lower it"),
    ],
    ids=str,
)
def test_too_many_validation_queries(make, limits, message):
    with pytest.raises(InputError, match=rf"collection\.validation_queries: {message}"):
        make({"9": "nine"}, [("9", "d1", 1)], **limits, more=20)
    assert not Layout("test").collection.parent.exists()
