"""Bad files at the door: a mistake is one InputError that names file, line, and what is wrong."""

import logging
import tracemalloc

import pytest

from sirbench.data.own_checks import check
from sirbench.data.own_collections import files_of
from sirbench.machine.errors import InputError
from sirbench.study import JudgementFile, OwnCollection, TextFile
from tests.data import own

HEADER = own.HEADER
IDS = ("d1", "d2", "d3")
KEPT = own.jsonl(own.DOCUMENTS)


def checked(folder, *, incomplete=False, **settings):
    check(files_of(OwnCollection(folder=folder, **settings)), incomplete=incomplete)


def test_what_is_right_passes_without_a_word(tmp_path, caplog):
    checked(own.write(tmp_path, own.files()))
    assert caplog.text == ""


MISTAKES = {
    # Documents.
    "a document twice": (
        {"corpus.jsonl": KEPT + '\n{"_id": "d2", "text": "again"}\n'},
        r"corpus\.jsonl, line 5: document 'd2' appears a second time, after \S*corpus\.jsonl, line 2",
    ),
    "a document's id with a blank": (
        {"corpus.jsonl": KEPT + '{"_id": "d 4", "text": "x"}\n'},
        r"corpus\.jsonl, line 4: the id 'd 4' has a blank or a control character",
    ),
    "an id with a blank that is none in ASCII": (
        {"corpus.jsonl": KEPT + '{"_id": "d\\u00a04", "text": "x"}\n'},
        r"corpus\.jsonl, line 4: the id 'd\\xa04' has a blank",
    ),
    "an id with a byte that ends strings": (
        {"corpus.jsonl": KEPT + '{"_id": "d\\u0000", "text": "x"}\n'},
        r"corpus\.jsonl, line 4: the id 'd\\x00' has a blank or a control character",
    ),
    "an empty id": (
        {"corpus.jsonl": KEPT + '{"_id": "", "text": "x"}\n'},
        r"corpus\.jsonl, line 4: '_id' is empty",
    ),
    "an id that is no text": (
        {"corpus.jsonl": KEPT + '{"_id": 1.5, "text": "x"}\n'},
        r"corpus\.jsonl, line 4: '_id' is 1\.5, and an id is a text or an integer",
    ),
    "an id that is null": (
        {"corpus.jsonl": KEPT + '{"_id": null, "text": "x"}\n'},
        r"corpus\.jsonl, line 4: '_id' is None",
    ),
    "a text that is a list": (
        {"corpus.jsonl": KEPT + '{"_id": "d4", "text": ["x"]}\n'},
        r"corpus\.jsonl, line 4: 'text' is not a text, but \['x'\]",
    ),
    "no field of this name": (
        {"corpus.jsonl": KEPT + '{"_id": "d4", "body": "x"}\n'},
        r"corpus\.jsonl, line 4: there is no field 'text' among '_id', 'body'; say in the study",
    ),
    "JSON that breaks off": (
        {"corpus.jsonl": KEPT + '{"_id": "d4", "te'},
        r"corpus\.jsonl, line 4: not a JSON object on one line \(Unterminated string .*, \"te'",
    ),
    "JSON that is printed over several lines": (
        {"corpus.jsonl": '{\n  "_id": "d1",\n  "text": "x"\n}\n'},
        r"corpus\.jsonl, line 1: not a JSON object on one line",
    ),
    "JSON that is one list": (
        {"corpus.jsonl": '[{"_id": "d1", "text": "x"}]\n'},
        r"corpus\.jsonl, line 1: not a JSON object on one line, but",
    ),
    "JSON without end": (
        {"corpus.jsonl": "[" * 100_000},
        r"corpus\.jsonl, line 1: not a JSON object on one line \(maximum recursion",
    ),
    "half of a surrogate pair": (
        {"corpus.jsonl": KEPT + '{"_id": "d4", "text": "cut \\ud83d"}\n'},
        r"corpus\.jsonl, line 4: 'text' has half of a surrogate pair \('\\ud83d'\)",
    ),
    "half of a surrogate pair in an id": (
        {"corpus.jsonl": KEPT + '{"_id": "d\\udc00", "text": "x"}\n'},
        r"corpus\.jsonl, line 4: '_id' has half of a surrogate pair \('\\udc00'\)",
    ),
    "half of a surrogate pair in bytes": (
        {"corpus.jsonl": KEPT.encode() + b'{"_id": "d4", "text": "\xed\xa0\xbd"}\n'},
        r"corpus\.jsonl, line 4: not UTF-8 \(byte 24 begins half of a surrogate pair",
    ),
    "Latin-1": (
        {"corpus.jsonl": KEPT.encode() + '{"_id": "d4", "text": "caf\xe9 aqu\xed"}\n'.encode("latin-1")},
        r"corpus\.jsonl, line 4: not UTF-8 \(byte 27 is 0xe9; should the file be Latin-1, `iconv -f LATIN1",
    ),
    "an i with an accent in Latin-1": (
        {"corpus.jsonl": KEPT.encode() + '{"_id": "d4", "text": "aqu\xed "}\n'.encode("latin-1")},
        r"corpus\.jsonl, line 4: not UTF-8 \(byte 27 is 0xed; should the file be Latin-1",
    ),
    "UTF-16": (
        {"corpus.jsonl": KEPT.encode("utf-16")},
        r"corpus\.jsonl: not text but UTF-16; `iconv -f UTF-16",
    ),
    "a compressed file that is not called so": (
        {"corpus.jsonl": b"\x1f\x8b\x08\x00"},
        r"corpus\.jsonl: not text but compressed by gzip, which its name has to say: \.gz",
    ),
    "a file that is not compressed, and called so": (
        {"corpus.jsonl": None, "corpus.jsonl.bz2": KEPT},
        r"corpus\.jsonl\.bz2, after line 0: truncated, or not bzip2 at all",
    ),
    "no document": ({"corpus.jsonl": "\n"}, r"corpus\.jsonl: there is no document in this file"),
    "hardly any text": (
        {"corpus.jsonl": own.jsonl({"_id": name, "text": "x" if name == "d1" else ""} for name in IDS)},
        r"corpus\.jsonl, line 2: document 'd2' has no text, and 2 of 3 have none; is `text` the right column",
    ),
    # Queries.
    "a query twice": (
        {"queries.jsonl": own.jsonl([*own.QUERIES, own.QUERIES[0]])},
        r"queries\.jsonl, line 4: query 'q1' appears a second time, after \S*queries\.jsonl, line 1",
    ),
    "a query without a text": (
        {"queries.jsonl": own.jsonl(own.QUERIES) + '{"_id": "q4", "text": " \\n"}\n'},
        r"queries\.jsonl, line 4: query 'q4' has no text",
    ),
    "no query": ({"queries.jsonl": ""}, r"queries\.jsonl: there is no query in this file"),
    # Judgements.
    "no header": (
        {"qrels/train.tsv": "q1\td1\t1\n"},
        r"train\.tsv, line 1: there is no column 'query-id' among 'q1', 'd1', '1'; .*name the `columns`",
    ),
    "too few columns": (
        {"qrels/train.tsv": HEADER + "q1\td1\n"},
        r"train\.tsv, line 2: 2 columns between tabs, where 3 are named: query-id, corpus-id, score",
    ),
    "too few columns of TREC's": (
        {"qrels/train.tsv": "q1 0 d1 1\nq2 d2 1\n"},
        r"train\.tsv, line 2: 3 columns, where TREC's judgements have 4",
    ),
    "relevance that is no integer": (
        {"qrels/train.tsv": HEADER + "q1\td1\t1.0\n"},
        r"train\.tsv, line 2: 'score' is '1\.0', and relevance is an integer",
    ),
    "a judgement twice": (
        {"qrels/dev.tsv": own.DEV + "q3\td2\t1\nq3\td3\t0\n"},
        r"dev\.tsv, line 4: document 'd3' is judged a second time for query 'q3', after \S*dev\.tsv, line 2",
    ),
    "a blank in a judgement's id": (
        {"qrels/dev.tsv": own.DEV + "q 3\td2\t1\n"},
        r"dev\.tsv, line 3: the id 'q 3' has a blank",
    ),
    "judgements of other queries": (
        {"qrels/dev.tsv": HEADER + "x\td1\t1\ny\td1\t1\nq3\td3\t1\n"},
        r"dev\.tsv, line 2: there is no query 'x'; 2 of 3 judged queries are unknown: are these",
    ),
    "nothing relevant": (
        {"qrels/dev.tsv": HEADER + "q3\td3\t0\n"},
        r"dev\.tsv: no judgement says that a document is relevant \(1 or more\)",
    ),
    "a training positive that is no document": (
        {"qrels/train.tsv": own.TRAIN + "q1\tdx\t1\n"},
        r"train\.tsv, line 5: document 'dx' is not in \S*corpus\.jsonl; 1 of 3 relevant documents are not, "
        "and nothing can be trained on a positive without its text",
    ),
    "dev judgements of other documents": (
        {"qrels/dev.tsv": own.DEV + "q3\tdy\t1\nq3\tdx\t2\nq3\tdz\t0\n"},
        r"dev\.tsv, line 3: document 'dy' is not in \S*corpus\.jsonl; 2 of 3 relevant documents are not: are "
        r"these the judgements of another collection\?",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_message_with_file_and_line(tmp_path, mistake):
    changed, message = MISTAKES[mistake]
    own.write(tmp_path, {**own.files(), **changed})
    with pytest.raises(InputError, match=message) as caught:
        checked(tmp_path)
    assert type(caught.value) is InputError and "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))


WARNINGS = {
    "a document without a text": (
        {"corpus.jsonl": KEPT + '{"_id": "d4", "text": ""}\n'},
        "corpus.jsonl, line 4: document 'd4' has no text; 1 of 4 documents have none, and they stay",
    ),
    "a judgement of an unknown query": (
        {"qrels/dev.tsv": own.DEV + "q4\td1\t1\n"},
        "dev.tsv, line 3: there is no query 'q4'; 1 of 2 judged queries are unknown, and their judgements",
    ),
    "a relevant document that is missing": (
        {"qrels/dev.tsv": own.DEV + "q3\tdx\t1\n"},
        "dev.tsv, line 3: document 'dx' is not in ",
    ),
}


@pytest.mark.parametrize("doubt", WARNINGS)
def test_what_may_be_no_mistake_is_a_warning(tmp_path, caplog, doubt):
    changed, message = WARNINGS[doubt]
    checked(own.write(tmp_path, {**own.files(), **changed}))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert message in caplog.text


def test_documents_that_are_missing_are_expected_of_an_incomplete_collection(tmp_path, caplog):
    unknown = {"qrels/train.tsv": own.TRAIN + "q1\tdx\t1\n", "qrels/dev.tsv": own.HEADER + "q3\tdx\t1\n"}
    checked(own.write(tmp_path, own.files() | unknown), incomplete=True)
    assert caplog.text == ""


def test_columns_of_tsv_are_as_many_as_their_names(tmp_path):
    own.write(
        tmp_path,
        {"a.tsv": "_id\ttext\nd1\tx\nd2\twith\ta tab\n", "b.tsv": "d1\tx\n", "c.tsv": "i\tt\nd1\tx\n"},
    )
    rest = own.write(tmp_path / "rest", own.files())
    with pytest.raises(
        InputError, match=r"a\.tsv, line 3: 3 columns between tabs, where 2 are named: _id, text"
    ):
        checked(rest, documents=TextFile(path=tmp_path / "a.tsv"))
    with pytest.raises(InputError, match=r"b\.tsv, line 1: there is no column '_id' among 'd1', 'x'"):
        checked(rest, documents=TextFile(path=tmp_path / "b.tsv"))
    with pytest.raises(InputError, match=r"c\.tsv, line 1: has the names of the columns; remove `columns`"):
        checked(rest, documents=TextFile(path=tmp_path / "c.tsv", columns=["i", "t"], id="i", text=["t"]))
    with pytest.raises(InputError, match=r"b\.txt: its name ends neither in \.tsv nor in \.jsonl"):
        checked(rest, documents=TextFile(path=tmp_path / "b.txt"))
    with pytest.raises(
        InputError, match=r"qrels: `columns` are named in the study, but only a TSV file has any"
    ):
        own.write(tmp_path, {"qrels": "q1 0 d1 1\n"})
        file = JudgementFile(path=tmp_path / "qrels", format="trec", columns=["a"])
        checked(rest, qrels={"train": file, "dev": file.model_copy()})


def test_no_document_stays_in_memory(tmp_path):
    """Of 20,000 documents of 1,000 characters: less than 2 MB, with eight bytes each among them."""
    many = (f'{{"_id": "m{i}", "text": "{"x" * 1000}"}}\n' for i in range(20_000))
    own.write(tmp_path, own.files() | {"corpus.jsonl": KEPT + "".join(many)})
    files = files_of(OwnCollection(folder=tmp_path))
    tracemalloc.start()
    check(files, incomplete=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
