"""Collections: known facts of real ones, deterministic subsets, files that round-trip, and clear errors."""

import hashlib

import ir_datasets
import pandas as pd
import pytest

from sirbench.data import collections
from sirbench.data.collections import Document
from sirbench.machine.errors import InputError


@pytest.mark.usefixtures("caches")
class TestRealCollections:
    @pytest.mark.parametrize(
        ("dataset_id", "documents", "queries"),
        [
            ("beir/scifact/test", 5183, 300),
            ("beir/scifact/train", 5183, 809),
            ("beir/nfcorpus/test", 3633, 323),
            ("vaswani", 11429, 93),
        ],
    )
    def test_sizes_are_the_published_ones(self, dataset_id, documents, queries):
        assert collections.count_documents(dataset_id) == documents
        assert sum(1 for _ in collections.iterate_documents(dataset_id)) == documents
        assert len(collections.read_queries(dataset_id)) == queries

    def test_msmarco_queries_are_read_without_its_documents(self):
        queries = collections.read_queries("msmarco-document/dev")
        assert len(queries) == 5193
        assert queries["174249"] == "does xpress bet charge to deposit money in your account"

    def test_queries_without_a_positive_judgement_are_left_out(self):
        qrels = collections.read_qrels("msmarco-document/trec-dl-2019")
        queries = collections.read_queries("msmarco-document/trec-dl-2019")
        assert len(collections.query_ids("msmarco-document/trec-dl-2019")) == 200
        assert len(queries) == 43  # the track judged 43 of its 200 queries
        texts = collections.query_texts("msmarco-document/trec-dl-2019")
        assert len(texts) == 200 and set(queries.values()) <= set(texts)
        assert set(queries) <= set(qrels["query_id"])

    def test_text_is_title_and_body_with_single_blanks(self):
        first = next(collections.iterate_documents("beir/scifact/test"))
        assert first.doc_id == "4983"
        assert first.text.startswith("Microstructural development of human newborn cerebral white matter")
        texts = [document.text for document in collections.iterate_documents("vaswani")]
        assert all(text == " ".join(text.split()) for text in texts)

    def test_qrels_are_the_judgements(self):
        qrels = collections.read_qrels("beir/scifact/test")
        assert list(qrels.columns) == ["query_id", "doc_id", "relevance"]
        assert qrels.iloc[0].tolist() == ["1", "31715818", 1]
        assert len(qrels) == 339

    def test_a_limit_keeps_the_lowest_hashes_in_the_order_of_the_collection(self):
        everything = collections.read_queries("beir/scifact/test")
        lowest = sorted(everything, key=lambda query: hashlib.sha256(query.encode()).hexdigest())[:20]
        limited = collections.read_queries("beir/scifact/test", limit=20)
        assert list(limited) == [query for query in everything if query in lowest]
        assert set(collections.read_queries("beir/scifact/test", limit=5)) == set(lowest[:5])


class ToyDocs(ir_datasets.formats.BaseDocs):
    def __init__(self, *documents):
        self.documents = documents

    def docs_iter(self):
        return iter(self.documents)

    def docs_count(self):
        return None  # as ir_datasets answers where it has built nothing yet


@pytest.fixture
def toy(monkeypatch):
    """Registers, for one test, a collection `toy` of the given documents."""

    def register(*documents):
        registered = {"toy": ir_datasets.Dataset(ToyDocs(*documents))}
        monkeypatch.setattr(ir_datasets.registry, "_registered", registered)

    return register


def test_msmarco_fields_become_url_title_body(toy):
    from ir_datasets.datasets.msmarco_document import MsMarcoDocument

    toy(MsMarcoDocument("D1", "https://a.org/b", "A  title", "The\n\nbody. "))
    assert list(collections.iterate_documents("toy")) == [Document("D1", "https://a.org/b A title The body.")]


def test_the_fingerprint_is_the_sha256_of_ids_and_texts_in_order(toy):
    one, two = ir_datasets.formats.GenericDoc("1", "a\nb"), ir_datasets.formats.GenericDoc("2", "ç")
    toy(one, two)
    queries = {"train": {"7": "x y"}, "dev": {"8": "z"}}
    whole = "1\ta b\n2\tç\ntrain\t7\tx y\ndev\t8\tz\n"
    first = collections.contents("toy", queries).fingerprint
    assert first == hashlib.sha256(whole.encode()).hexdigest()
    assert collections.contents("toy", {"train": {}, "dev": {"7": "x y", "8": "z"}}).fingerprint != first
    toy(two, one)
    assert collections.contents("toy", queries).fingerprint != first


def test_reading_for_the_fingerprint_finds_ids_without_a_document(toy):
    toy(*(ir_datasets.formats.GenericDoc(name, "text") for name in "abc"))
    missing = {"a", "c", "x"}
    assert collections.contents("toy", {}, missing).fingerprint == collections.contents("toy", {}).fingerprint
    assert missing == {"x"}


def test_documents_are_counted_where_metadata_lacks_the_number(toy):
    toy(*(ir_datasets.formats.GenericDoc(str(number), "text") for number in range(7)))
    assert collections.count_documents("toy") == 7


def test_an_unknown_id_names_close_ones():
    with pytest.raises(InputError, match=r"'beir/scifct'; did you mean beir/scifact"):
        collections.open_collection("beir/scifct")


def test_a_collection_without_qrels_names_its_subsets():
    with pytest.raises(InputError, match=r"'beir/scifact' has no qrels; .*beir/scifact/test"):
        collections.read_queries("beir/scifact")


def test_a_failed_download_says_what_is_missing_and_where_it_goes(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing answers there
    monkeypatch.setenv("IR_DATASETS_DL_TRIES", "1")
    with pytest.raises(InputError, match=r"antique: its documents could not be read .*IR_DATASETS_HOME"):
        next(collections.iterate_documents("antique"))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("expected 4 columns, got 3"),  # of ir_datasets' own readers
        ValueError("Expecting value: line 1 column 1 (char 0)"),
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_file_that_cannot_be_parsed_is_no_failed_download(toy, monkeypatch, error):
    def read(self):
        raise error
        yield

    toy()
    monkeypatch.setattr(ToyDocs, "docs_iter", read)
    with pytest.raises(InputError, match=r"toy: its documents are not as ir_datasets expects them") as caught:
        next(collections.iterate_documents("toy"))
    assert str(error) in str(caught.value) and "network" not in str(caught.value)


def test_an_unbuilt_pydocs_says_how_to_build_it(monkeypatch, tmp_path):
    monkeypatch.setenv("SIRBENCH_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"pydocs is not built: .*sirbench pydocs"):
        next(collections.iterate_documents("pydocs"))


def test_queries_round_trip(tmp_path):
    collections.write_queries({"b": "two  words", "a": "ça\tva"}, tmp_path / "queries.tsv")
    assert (tmp_path / "queries.tsv").read_bytes() == "b\ttwo words\na\tça va\n".encode()
    assert list(collections.load_queries(tmp_path / "queries.tsv").items()) == [
        ("b", "two words"),
        ("a", "ça va"),
    ]


def test_qrels_round_trip(tmp_path):
    qrels = pd.DataFrame({"query_id": ["1", "1"], "doc_id": ["a", "b"], "relevance": [2, -1]})
    collections.write_qrels(qrels, tmp_path / "qrels")
    assert (tmp_path / "qrels").read_text() == "1 0 a 2\n1 0 b -1\n"
    loaded = collections.load_qrels(tmp_path / "qrels")
    assert loaded.to_dict("list") == {"query_id": ["1", "1"], "doc_id": ["a", "b"], "relevance": [2, -1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1\tone\nno tab\n", "line 2: expected a query id, a tab and a text"),
        (b"1\tone\n\n2\t \n", "line 3: expected"),
        (b"1\tone\n1\tuno\n", "line 2: query '1' appears a second time"),
        (b"1\tone\n2\tcaf\xe9\n", "line 2: not UTF-8"),
        (b"", "holds no queries"),
    ],
)
def test_malformed_queries_name_the_line(tmp_path, content, message):
    (tmp_path / "queries.tsv").write_bytes(content)
    with pytest.raises(InputError, match=f"queries.tsv.*{message}"):
        collections.load_queries(tmp_path / "queries.tsv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 0 a 1\n1 0 b\n", "line 2: expected query id, 0, document id and an integer"),
        (b"1 0 a yes\n", "line 1: expected"),
        (b"1 0 a 1\r\n1 0 \xff 1\r\n", "line 2: not UTF-8"),
        (b"\n", "holds no judgements"),
    ],
)
def test_malformed_qrels_name_the_line(tmp_path, content, message):
    (tmp_path / "dev.qrels").write_bytes(content)
    with pytest.raises(InputError, match=rf"dev\.qrels.*{message}"):
        collections.load_qrels(tmp_path / "dev.qrels")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        collections.load_queries(tmp_path / "queries.tsv")
