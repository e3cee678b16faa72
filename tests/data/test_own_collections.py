"""One's own files as a collection of ir_datasets: layouts, formats, compression, and one set divided."""

import bz2
import gzip
import lzma

import pytest
from pydantic import TypeAdapter

from sirbench.data import collections
from sirbench.data.own_collections import all_query_ids, existing_files, files_of, register
from sirbench.data.query_split import groups, sides
from sirbench.machine.errors import InputError
from sirbench.study import AnyCollection, OneSet, OwnCollection, Split
from tests.data import own

TEXTS = [("d1", "One the first"), ("d2", "the second"), ("d3", "the third")]


def registered(**settings):
    collection = TypeAdapter(AnyCollection).validate_python(settings)
    register(collection)
    return collection


def is_whole(collection):
    assert list(collections.iterate_documents(collection.train)) == TEXTS
    assert list(collections.iterate_documents(collection.dev)) == TEXTS
    assert collections.count_documents(collection.train) == 3
    assert collections.read_queries(collection.train) == {"q1": "first?", "q2": "second?"}
    assert collections.read_queries(collection.dev) == {"q3": "third?"}
    qrels = collections.read_qrels(collection.train)
    assert list(qrels.itertuples(index=False, name=None)) == [
        ("q1", "d1", 1),
        ("q2", "d2", 2),
        ("q2", "d9", 0),
    ]
    qrels = collections.read_qrels(collection.dev)
    assert list(qrels.itertuples(index=False, name=None)) == [("q3", "d3", 1)]
    return True


def test_a_folder_in_beirs_layout(tmp_path):
    collection = registered(folder=own.write(tmp_path / "mine", own.files()))
    assert collection.train.startswith("own/mine-") and collection.train.endswith("/train")
    assert is_whole(collection)
    assert collections.query_ids(collection.dev) == {"q3"}  # no training query is seen beside it
    assert all_query_ids(collection, "dev") == {"q1", "q2", "q3"}  # a run may have any


@pytest.mark.parametrize(
    ("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_each_file_may_be_compressed(tmp_path, ending, compress):
    packed = {f"{name}{ending}": compress(text.encode()) for name, text in own.files().items()}
    assert is_whole(registered(folder=own.write(tmp_path, packed)))


def test_a_test_set_is_taken_where_there_is_no_dev_set(tmp_path):
    contents = own.files()
    own.write(tmp_path, contents | {"qrels/test.tsv": own.HEADER + "q1\td1\t1\n"})
    assert files_of(OwnCollection(folder=tmp_path)).qrels["dev"].path.name == "dev.tsv"
    (tmp_path / "qrels/dev.tsv").rename(tmp_path / "qrels/test.tsv")
    assert is_whole(registered(folder=tmp_path))


def test_files_with_other_names_and_columns(tmp_path):
    documents = (
        "docno\tlang\theadline\tbody\nd1\ten\tOne\tthe first\nd2\ten\t\tthe second\nd3\tde\t\tthe third\n"
    )
    own.write(
        tmp_path,
        {
            "texts.tsv": documents,
            "topics.txt": "q1\tfirst?\r\nq2\tsecond?\r\nq3\tthird?\r\n",
            "train.qrels": "q1 0 d1 1\nq2 0 d2 2\nq2\t0\td9\t0\n",
            "dev.jsonl": '{"topic": "q3", "docno": "d3", "grade": 1, "who": "me"}\n',
        },
    )
    collection = registered(
        documents={"path": tmp_path / "texts.tsv", "id": "docno", "text": ["headline", "body"]},
        queries={
            "path": tmp_path / "topics.txt",
            "format": "tsv",
            "columns": ["n", "t"],
            "id": "n",
            "text": "t",
        },
        qrels={
            "train": tmp_path / "train.qrels",
            "dev": {
                "path": tmp_path / "dev.jsonl",
                "query": "topic",
                "document": "docno",
                "relevance": "grade",
            },
        },
    )
    assert is_whole(collection)


def test_queries_may_be_in_a_file_for_each_split(tmp_path):
    contents = own.files() | {
        "train.jsonl": own.jsonl(own.QUERIES[:2]),
        "dev.jsonl": own.jsonl(own.QUERIES[2:]),
        "queries.jsonl": None,
    }
    own.write(tmp_path, contents)
    queries = {split: tmp_path / f"{split}.jsonl" for split in ("train", "dev")}
    collection = registered(folder=tmp_path, queries=queries)
    assert is_whole(collection)
    assert collections.query_ids(collection.dev) == {"q3"}


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    marked = {name: b"\xef\xbb\xbf" + text.encode() for name, text in own.files().items()}
    assert is_whole(registered(folder=own.write(tmp_path, marked)))


def test_integers_are_ids_and_pairs_of_surrogates_are_characters(tmp_path):
    smile = '{"_id": 7, "title": null, "text": "\\ud83d\\ude00 ok"}\n'
    collection = registered(folder=own.write(tmp_path, own.files() | {"corpus.jsonl": smile}))
    assert list(collections.iterate_documents(collection.train)) == [("7", "\N{GRINNING FACE} ok")]


def test_what_differs_has_another_name_and_limits_make_no_difference(tmp_path):
    one = OwnCollection(folder=tmp_path)
    assert OwnCollection(folder=tmp_path, dev_queries=3).dev == one.dev
    others = [
        OwnCollection(folder=tmp_path / "b"),
        OwnCollection(folder=tmp_path, split=Split(dev=0.2)),
        OwnCollection(folder=tmp_path, documents={"path": tmp_path / "texts.tsv"}),
    ]
    assert len({one.train, one.dev, *(other.train for other in others)}) == 5


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ({"corpus.jsonl"}, r"there is no corpus\.jsonl, nor corpus\.jsonl\.gz or \.bz2 or \.xz"),
        ({"queries.jsonl"}, r"there is no queries\.jsonl"),
        ({"qrels/dev.tsv"}, r"qrels/train\.tsv and qrels/dev\.tsv \(or test\.tsv\) are needed.*`split: "),
        ({"qrels/train.tsv"}, r"qrels/train\.tsv and .* are needed, there is \S*qrels/dev\.tsv"),
        (set(own.files()), "there is no such folder"),
    ],
    ids=lambda it: "+".join(sorted(it)) if isinstance(it, set) else "",
)
def test_a_folder_that_lacks_something_says_what(tmp_path, left_out, message):
    contents = {name: text for name, text in own.files().items() if name not in left_out}
    collection = OwnCollection(folder=own.write(tmp_path / "mine", contents))
    with pytest.raises(InputError, match=rf"mine: {message}"):
        files_of(collection)
    assert existing_files(collection) == []


def test_the_files_that_are_there_are_inputs_of_the_workflow(tmp_path):
    collection = OwnCollection(folder=own.write(tmp_path, own.files()))
    assert existing_files(collection) == [tmp_path / name for name in own.files()]
    moved = OwnCollection(folder=tmp_path, documents={"path": tmp_path / "later.jsonl"})
    assert existing_files(moved) == [tmp_path / name for name in own.files()][1:]


def with_one_set(folder, count):
    contents = {
        "corpus.jsonl": own.jsonl(own.DOCUMENTS),
        "queries.jsonl": own.jsonl({"_id": f"q{i}", "text": f"number {i}"} for i in range(count)),
        "qrels/test.tsv": own.HEADER + "".join(f"q{i}\td{1 + i % 3}\t1\n" for i in range(count)),
    }
    return own.write(folder, contents)


def test_one_set_of_queries_is_divided_by_a_hash(tmp_path):
    collection = registered(folder=with_one_set(tmp_path, 1000), split={"dev": 0.2})
    train, dev = (collections.read_queries(name) for name in (collection.train, collection.dev))
    assert 160 < len(dev) < 240 and len(train) + len(dev) == 1000
    assert set(train).isdisjoint(dev)
    for name, queries in ((collection.train, train), (collection.dev, dev)):
        assert set(collections.read_qrels(name)["query_id"]) == set(queries)
        assert collections.query_ids(name) == set(queries)
    assert all_query_ids(collection, "train") == {f"q{i}" for i in range(1000)}


def test_a_query_stays_on_its_side_when_others_are_added():
    few = {f"q{i}": f"number {i}" for i in range(100)}
    many = few | {f"r{i}": f"letter {i}" for i in range(300)}
    assert sides(few, 0.3).items() <= sides(many, 0.3).items()
    more = {query for query, side in sides(few, 0.5).items() if side == "dev"}
    assert {query for query, side in sides(few, 0.3).items() if side == "dev"} < more


def test_queries_of_the_same_words_are_on_one_side():
    texts = {f"{name}{i}": text.format(i) for i in range(200) for name, text in PHRASED}
    divided = sides(texts, 0.5)
    for i in range(200):
        assert len({divided[f"{name}{i}"] for name, _ in PHRASED}) == 1
    assert len(set(groups(texts).values())) == 200


PHRASED = [("a", "Plot {} of a graph"), ("b", "plot {}  OF a graph?"), ("c", "a graph of plot {}")]


def test_texts_without_a_word_are_not_one_group():
    assert len(set(groups({"a": "++", "b": "--"}).values())) == 2


def test_a_folder_with_several_files_of_judgements_is_not_divided(tmp_path):
    own.write(tmp_path, own.files())
    with pytest.raises(InputError, match=r"`split` divides one file of judgements.*train\.tsv, \S*dev\.tsv"):
        files_of(OwnCollection(folder=tmp_path, split=Split(dev=0.2)))


@pytest.mark.usefixtures("caches")
def test_a_collection_of_ir_datasets_with_one_set_of_queries_is_divided():
    collection = registered(dataset="vaswani", split={"dev": 0.2})
    assert isinstance(collection, OneSet) and collection.train.startswith("split/vaswani-")
    train, dev = (collections.read_queries(name) for name in (collection.train, collection.dev))
    assert train | dev == collections.read_queries("vaswani") and 10 <= len(dev) <= 27
    assert collections.count_documents(collection.dev) == 11429
    assert (
        collections.contents(collection.train, {}).fingerprint
        == collections.contents("vaswani", {}).fingerprint
    )
    assert all_query_ids(collection, "dev") == set(train | dev)
    judged = sum(len(collections.read_qrels(name)) for name in (collection.train, collection.dev))
    assert judged == len(collections.read_qrels("vaswani")) == 2083


def test_a_name_that_ir_datasets_does_not_know_is_said_when_it_is_read():
    collection = registered(dataset="vaswanni", split={"dev": 0.2})
    with pytest.raises(InputError, match="no collection named 'vaswanni'; did you mean vaswani"):
        collections.read_queries(collection.train)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"documents": "a.tsv"}, "queries, qrels: not given; without `folder`"),
        (
            {"documents": "a", "queries": "b", "qrels": "c"},
            r"one file of judgements has to be divided: add `split",
        ),
        (
            {"folder": "a", "qrels": {"train": "b", "dev": "c"}, "split": {"dev": 0.1}},
            "qrels: are divided into train and dev already; remove `split`",
        ),
        (
            {"folder": "a", "queries": {"train": "b", "dev": "c"}, "split": {"dev": 0.1}},
            "queries: are divided into train and dev already; remove `split`",
        ),
    ],
)
def test_settings_that_contradict_each_other(settings, message):
    with pytest.raises(ValueError, match=message):
        TypeAdapter(AnyCollection).validate_python(settings)
