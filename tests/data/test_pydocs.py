"""PyDocs: what becomes a document, a query and a link; the same bytes every time; one more collection."""

import gzip
import hashlib
import inspect
import json
import re
from itertools import chain

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sirbench.data import collections, pydocs
from sirbench.data.docstrings import read_docstrings
from sirbench.machine.errors import InputError
from tests.checkouts import ROOT

BODY = "This body has ten words, and two more for good measure."

NORM = f'''
def norm(x):
    """Compute the norm of a vector.

    {BODY}

    Parameters
    ----------
    x : array

    See Also
    --------
    decompose : The other function.
    :func:`toypkg.shapes.Square.area`, missing : Two entries,
        described on two lines: not a name.

    Notes
    -----
    svd : not an entry
    """
    def inner():
        """Inner functions are never documented.

        They would have a body of more than ten words just like this one.
        """
'''

PACKAGE = f'''"""Tools for toys of many kinds.

{BODY} (package)
"""
raise RuntimeError("imported")
'''

DECOMPOSE = f'''
def decompose(x):
    """Decompose a matrix in two factors.

    {BODY} Decomposed.
    """
'''

FILES = {
    "__init__.py": PACKAGE,
    "_linalg.py": NORM,
    "linalg2.py": DECOMPOSE,
    "shapes.py": f'''
class Square:
    """decompose(x, y=(1, 2)) -> Square

    A square with equal sides.

    {BODY} Squared.
    """

    def area(self):
        """{" ".join(["word"] * 40)}.

        Second paragraph of a docstring whose first is no summary.
        """

    def side(self):
        """Too short."""
''',
    "twins.py": f'''
def one():
    """The first of two twins.

    The same text in two places is the positive of neither, so both go.
    """

def two():
    """The second of two twins.

    The same text in two places is the positive of neither, so both go.
    """

def three():
    """Asked by two documents alike.

    {BODY} Three.
    """

def four():
    """Asked by two documents alike.

    {BODY} Four.
    """
''',
    "tests/test_toy.py": f'"""A module of nothing but tests.\n\n{BODY} Tested.\n"""\n',
    "conftest.py": f'"""A module of nothing but fixtures.\n\n{BODY} Fixed.\n"""\n',
    "template.py": "def {{ name }}(): pass\n",
}


@pytest.fixture
def toypkg(tmp_path, monkeypatch):
    """An installed distribution `toypkg` that raises when it is imported; its folder."""
    site = tmp_path / "site-packages"
    for name, text in FILES.items():
        path = site / "toypkg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (site / "toypkg-1.2.dist-info").mkdir()
    (site / "toypkg-1.2.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: toypkg\nVersion: 1.2+local\n"
    )
    monkeypatch.syspath_prepend(site)
    monkeypatch.setitem(pydocs.PACKAGES, "toy", {"toypkg": "toypkg"})
    return site / "toypkg"


@pytest.fixture
def docstrings(toypkg):
    return {docstring.name: docstring for docstring in read_docstrings("toypkg")}


class TestDocstrings:
    def test_modules_classes_functions_and_methods_are_read_tests_and_inner_functions_are_not(
        self, docstrings
    ):
        assert list(docstrings) == [
            "toypkg",
            "toypkg._linalg.norm",
            "toypkg.linalg2.decompose",
            "toypkg.shapes.Square",
            "toypkg.shapes.Square.area",
            "toypkg.twins.one",
            "toypkg.twins.two",
            "toypkg.twins.three",
            "toypkg.twins.four",
        ]

    def test_summary_and_body_are_apart_and_underlines_are_dropped(self, docstrings):
        norm = docstrings["toypkg._linalg.norm"]
        assert norm.summary == "Compute the norm of a vector."
        assert norm.body.startswith(f"{BODY} Parameters x : array See Also decompose : The other")
        assert "--" not in norm.body

    def test_the_public_name_leaves_out_private_modules(self, docstrings):
        assert docstrings["toypkg._linalg.norm"].public_name == "toypkg.norm"

    def test_see_also_entries_are_names_not_descriptions(self, docstrings):
        assert docstrings["toypkg._linalg.norm"].see_also == [
            "decompose",
            "toypkg.shapes.Square.area",
            "missing",
        ]

    def test_a_signature_is_no_summary(self, docstrings):
        assert docstrings["toypkg.shapes.Square"].summary == "A square with equal sides."

    def test_a_long_first_paragraph_stays_in_the_document(self, docstrings):
        area = docstrings["toypkg.shapes.Square.area"]
        assert area.summary == ""
        assert area.body.startswith("word word")
        assert area.body.endswith("whose first is no summary.")

    def test_a_missing_package_is_an_error(self):
        with pytest.raises(InputError, match="'nosuchpackage' is not installed"):
            next(read_docstrings("nosuchpackage"))


class TestBuild:
    @pytest.fixture
    def folder(self, toypkg, tmp_path):
        pydocs.build("toy", tmp_path / "toy")
        return tmp_path / "toy"

    def documents(self, folder):
        with gzip.open(folder / "documents.jsonl.gz", "rt", encoding="utf-8") as file:
            return {document["doc_id"]: document["text"] for document in map(json.loads, file)}

    def queries(self, folder):
        files = (folder / "train.queries.tsv", folder / "dev.queries.tsv")
        return dict(line.split("\t") for file in files for line in file.read_text().splitlines())

    def test_identical_bodies_are_dropped(self, folder):
        assert "toypkg.twins.three" in self.documents(folder)
        assert not {"toypkg.twins.one", "toypkg.twins.two"} & set(self.documents(folder))

    def test_summaries_used_twice_are_no_queries(self, folder):
        assert self.queries(folder) == {
            "toypkg": "Tools for toys of many kinds.",
            "toypkg.norm": "Compute the norm of a vector.",
            "toypkg.linalg2.decompose": "Decompose a matrix in two factors.",
            "toypkg.shapes.Square": "A square with equal sides.",
        }

    def test_a_shared_public_name_gives_way_to_the_full_names(self, toypkg, tmp_path):
        (toypkg / "_other.py").write_text(NORM.replace(BODY, f"{BODY} Other."))
        pydocs.build("toy", tmp_path / "toy")
        assert {"toypkg._linalg.norm", "toypkg._other.norm"} <= set(self.documents(tmp_path / "toy"))

    def test_links_join_documents_that_exist(self, folder):
        links = [tuple(line.split("\t")) for line in (folder / "links.tsv").read_text().splitlines()]
        assert links == [
            ("toypkg.norm", "toypkg.linalg2.decompose"),
            ("toypkg.norm", "toypkg.shapes.Square.area"),
        ]

    def test_the_description_holds_fingerprint_versions_and_counts(self, folder):
        lines = "".join(f"{doc_id}\t{text}\n" for doc_id, text in self.documents(folder).items())
        for split in ("train", "dev"):
            queries = (folder / f"{split}.queries.tsv").read_text().splitlines()
            lines += "".join(f"{split}\t{query}\n" for query in queries)
        description = json.loads((folder / "collection.json").read_text())
        assert description["fingerprint"] == hashlib.sha256(lines.encode()).hexdigest()
        assert description["versions"] == {"toypkg": "1.2"}
        assert (description["documents"], sum(description["queries"].values()), description["links"]) == (
            7,
            4,
            2,
        )

    def test_near_duplicates_are_counted(self, toypkg, tmp_path):
        """Two pairs that differ in the last of 31 words; the other four documents have `BODY` in common."""
        text = " ".join(f"w{number}" for number in range(30))
        functions = {
            "a": ("Read a table from a file of text.", f"{text} one"),
            "b": ("Write an image to a stream of bytes.", f"{text} two"),
            "c": ("Solve linear equations by elimination.", f"{text[::-1]} one"),
            "d": ("Draw the spectrum as an image.", f"{text[::-1]} two"),
        }
        written = 'def {}():\n    """{}\n\n    {}\n    """\n'
        parts = (written.format(name, *texts) for name, texts in functions.items())
        (toypkg / "alike.py").write_text("".join(parts))
        description = pydocs.build("toy", tmp_path / "toy")
        queries = {split: queries_of(tmp_path / "toy", split) for split in ("train", "dev")}
        assert description["near_duplicates"] == {
            "clusters": 3,
            "largest_cluster": 4,
            "dev_queries_whose_positive_has_one": len(queries["dev"]),
        }
        for pair in ("ab", "cd"):
            a, b = (f"toypkg.alike.{name}" for name in pair)
            assert (a in queries["dev"]) == (b in queries["dev"])

    def test_another_split_of_the_same_queries_is_another_fingerprint(self, folder, monkeypatch, capsys):
        old = json.loads((folder / "collection.json").read_text())["fingerprint"]
        monkeypatch.setattr(pydocs, "_DEV_SHARE", 1)
        new = pydocs.build("toy", folder)["fingerprint"]
        assert old != new
        assert "no longer comparable" in capsys.readouterr().err

    def test_building_again_gives_the_same_bytes_in_silence(self, folder, capsys):
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        pydocs.build("toy", folder)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert "warning" not in capsys.readouterr().err

    def test_a_changed_fingerprint_is_reported(self, folder, toypkg, capsys):
        old = json.loads((folder / "collection.json").read_text())["fingerprint"]
        (toypkg / "_linalg.py").write_text(NORM.replace("array", "matrix"))
        new = pydocs.build("toy", folder)["fingerprint"]
        warning = capsys.readouterr().err
        assert old != new
        assert all(part in warning for part in ("warning", old, new, "{'toypkg': '1.2'}"))


def queries_of(folder, split):
    """The queries of a split by id, as the file has them."""
    lines = (folder / f"{split}.queries.tsv").read_text().splitlines()
    return dict(line.split("\t") for line in lines)


def alike(sets, others, resemblance, containment=np.inf):
    """Of each of `sets`, whether it is a near-duplicate of any of `others`: all are compared with all."""
    columns = {element: number for number, element in enumerate(set().union(*others))}
    sizes = np.array([len(one) for one in others])

    def ones(of):
        places = [[columns[element] for element in one if element in columns] for one in of]
        ends = np.cumsum([0, *map(len, places)])
        return csr_matrix((np.ones(ends[-1]), list(chain(*places)), ends), shape=(len(of), len(columns)))

    second = ones(others).T.tocsr()
    found = []
    for one, common in zip(sets, ones(sets), strict=True):
        shared = (common @ second).tocoo()
        union, smaller = len(one) + sizes[shared.col] - shared.data, np.minimum(len(one), sizes[shared.col])
        near = (shared.data / union >= resemblance) | (shared.data / smaller >= containment)
        found.append(near.any())
    return np.array(found)


def leaks(train, dev, folder):
    """How many dev queries have a training query that is a near-duplicate, or whose document is one."""
    with gzip.open(folder / "documents.jsonl.gz", "rt", encoding="utf-8") as file:
        bodies = {document["doc_id"]: document["text"] for document in map(json.loads, file)}

    def asked(queries):
        return [set(re.findall(r"\w+", text.casefold())) for text in queries.values()]

    def answers(queries):
        tokens = (re.findall(r"\w+", bodies[name].casefold()) for name in queries)
        return [{" ".join(one[i : i + 5]) for i in range(max(1, len(one) - 4))} for one in tokens]

    across = alike(asked(dev), asked(train), 0.6) | alike(answers(dev), answers(train), 0.5, 0.8)
    return int(across.sum())


@pytest.fixture(params=["pydocs-sliver", "pydocs"])
def built(request):
    """The folder of a built collection: of the sliver, and of all of PyDocs where it was built before."""
    if request.param == "pydocs-sliver":
        return request.getfixturevalue("pydocs_sliver")
    folder = ROOT / "data/pydocs"
    record = folder / "collection.json"
    if not record.exists() or json.loads(record.read_text()).get("revision") != pydocs.REVISION:
        pytest.skip(f"{folder} is not built, or was built by another revision: `sirbench pydocs` builds it")
    return folder


def test_no_dev_query_has_a_near_duplicate_training_query(built):
    train, dev = (queries_of(built, split) for split in ("train", "dev"))
    assert leaks(train, dev, built) == 0


def test_any_other_split_would_leak(pydocs_sliver):
    train, dev = (queries_of(pydocs_sliver, split) for split in ("train", "dev"))
    everything = sorted((train | dev).items())
    train, dev = dict(everything[1::2]), dict(everything[::2])
    assert leaks(train, dev, pydocs_sliver) > len(dev) // 10


def test_no_cluster_is_so_large_that_it_decides_a_split(built):
    record = json.loads((built / "collection.json").read_text())
    train, dev = (record["queries"][split] for split in ("train", "dev"))
    assert record["near_duplicates"]["largest_cluster"] < (train + dev) / 40
    assert 0.07 < dev / (train + dev) < 0.13


class TestSliver:
    @pytest.fixture(autouse=True)
    def _built(self, pydocs_sliver):
        """Built from the installed networkx."""

    def test_a_docstring_becomes_a_query_and_its_document(self):
        from networkx.algorithms.shortest_paths.generic import shortest_path

        name = "networkx.algorithms.shortest_paths.generic.shortest_path"
        summary, _, body = inspect.getdoc(shortest_path).partition("\n\n")
        queries = collections.read_queries("pydocs-sliver/train") | collections.read_queries(
            "pydocs-sliver/dev"
        )
        text = dict(collections.iterate_documents("pydocs-sliver"))[name]
        assert queries[name] == summary
        assert text == " ".join(line for line in " ".join(body.split()).split() if set(line) != {"-"})

    def test_each_query_has_one_positive_which_is_a_document(self):
        ids = {document.doc_id for document in collections.iterate_documents("pydocs-sliver")}
        for split in ("pydocs-sliver/train", "pydocs-sliver/dev"):
            qrels = collections.read_qrels(split)
            assert set(qrels["relevance"]) == {1}
            assert qrels["query_id"].is_unique
            assert set(qrels["doc_id"]) <= ids
            assert set(qrels["query_id"]) == set(collections.read_queries(split))

    def test_the_splits_are_disjoint(self):
        train, dev = (collections.read_queries(f"pydocs-sliver/{split}") for split in ("train", "dev"))
        assert not set(train) & set(dev)
        assert len(train) > 500

    def test_ir_datasets_knows_it_like_any_other(self, pydocs_sliver):
        description = json.loads((pydocs_sliver / "collection.json").read_text())
        documents = list(collections.iterate_documents("pydocs-sliver/dev"))
        assert collections.count_documents("pydocs-sliver/dev") == len(documents) == description["documents"]
        queries = {split: collections.read_queries(f"pydocs-sliver/{split}") for split in ("train", "dev")}
        assert collections.contents("pydocs-sliver/train", queries).fingerprint == description["fingerprint"]
        store = collections.open_collection("pydocs-sliver").docs_store()
        assert store.get(documents[5].doc_id).text == documents[5].text

    def test_links_lead_from_document_to_document(self, pydocs_sliver):
        ids = {document.doc_id for document in collections.iterate_documents("pydocs-sliver")}
        links = [line.split("\t") for line in (pydocs_sliver / "links.tsv").read_text().splitlines()]
        assert len(links) > 500
        assert {doc_id for link in links for doc_id in link} <= ids
        paths = "networkx.algorithms.shortest_paths"
        source, target = "generic.shortest_path_length", "unweighted.single_source_shortest_path_length"
        assert [f"{paths}.{source}", f"{paths}.{target}"] in links
