"""Published candidates as a user meets them: listed, fetched when asked to, and never by surprise."""

import shutil
from pathlib import Path

import pytest
import yaml

from sirbench.config import load
from sirbench.data import download
from sirbench.data.given_runs import read_given_run
from sirbench.data.runs import read_run
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.candidates import make_candidates
from sirbench.steps.collection import make_collection
from sirbench.steps.downloads import fetch_downloads, list_downloads
from tests.checkouts import ROOT
from tests.data.server import Server

MINE = Path("config/studies/mine.yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pydocs_sliver):
    """A checkout with the collection of study `test`, and runs of its queries in two formats on a server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("checkout"))
        shutil.copytree(ROOT / "config", "config")
        config = load("test")
        make_collection(config)
        make_candidates(config, "bm25")
        yield


@pytest.fixture
def servers(folder, tmp_path, monkeypatch):
    """Study `mine`: the candidates `given` are BM25's, published by two servers, as ranks and with texts."""
    monkeypatch.chdir(shutil.copytree(".", tmp_path / "checkout"))
    layout, contents = Layout("test"), {}
    for split, line in (("train", "{query} {doc} {rank}\n"), ("dev", "{query}\ttext\t{doc}\tmore\n")):
        run = read_run(layout.candidates("bm25", split))
        ranks = run.groupby("query_id").cumcount() + 1
        rows = zip(run["query_id"], run["doc_id"], ranks, strict=True)
        contents[split] = "".join(line.format(query=q, doc=d, rank=r) for q, d, r in rows).encode()
    servers = {split: Server(content) for split, content in contents.items()}
    files = {
        split: {"path": f"given/{split}.txt", "url": servers[split].url, "format": format}
        for split, format in (("train", "ranks"), ("dev", "texts"))
    }
    study = yaml.safe_load((ROOT / "config/studies/test.yaml").read_text())
    study["candidates"] = {
        "given": {
            "train": files["train"] | {"licence": "research only"},
            "dev": files["dev"],
            "source": "Runs of A and B (2020).",
        }
    }
    MINE.write_text(yaml.safe_dump(study))
    make_collection(load("mine"))
    yield servers
    for server in servers.values():
        server.close()


def test_listing_shows_size_checksum_and_licence_and_fetches_nothing(servers):
    listed = list_downloads(load("mine"))
    kilobytes = {split: f"{len(server.content) / 1000:.1f} kB" for split, server in servers.items()}
    for said in (
        f"given train: to fetch, {kilobytes['train']}",
        f"given dev: to fetch, {kilobytes['dev']}",
        servers["dev"].url,
        "given/train.txt",
        "not published, recorded on first use",
        "research only",
        "2 of 2 to fetch",
    ):
        assert said in listed
    assert {method for server in servers.values() for method, _ in server.requests} == {"HEAD"}


def test_listing_needs_no_network(servers):
    for server in servers.values():
        server.close()
    assert "given dev: to fetch, size unknown" in list_downloads(load("mine"))
    assert "2 of unknown size" in list_downloads(load("mine"))


def test_listing_after_fetching_says_so(servers):
    config = load("mine")
    fetch_downloads(config)
    listed = list_downloads(config)
    assert "given train: there" in listed
    assert "(recorded on first use)" in listed
    assert "0 of 2 to fetch" in listed


def test_listing_names_what_no_one_can_fetch(monkeypatch):
    monkeypatch.setattr(download, "asked_size", lambda file: None)
    listed = list_downloads(load("paper", ROOT / "config"), "ance")
    path = "results/ance-firstp/candidates/ance/train.trec.gz"
    assert f"ance train: missing, and no address is known; to be put at {path}" in listed
    assert "docs/candidates.md" in listed
    assert "1 of 1 to fetch" in listed


def test_a_study_without_published_runs_has_nothing_to_fetch(servers):
    assert list_downloads(load("test")) == "test: no published runs to fetch"


def test_candidates_never_fetch_but_say_what_does(servers):
    with pytest.raises(InputError) as caught:
        make_candidates(load("mine"), "given")
    message = str(caught.value)
    for part in (
        "given/train.txt: no such run file",
        "`sirbench fetch --study mine`",
        f"copy {servers['train'].url} to given/train.txt",
        "recorded on first use",
        "Runs of A and B (2020).",
    ):
        assert part in message
    assert "\n" not in message
    assert not any(server.requests for server in servers.values())


def test_fetched_runs_in_other_formats_are_the_same_candidates(servers):
    config = load("mine")
    fetch_downloads(config)
    make_candidates(config, "given")
    for split in ("train", "dev"):
        ours, theirs = (
            read_run(Layout(study).candidates(name, split))
            for study, name in (("mine", "given"), ("test", "bm25"))
        )
        columns = ["query_id", "doc_id"]
        assert ours[columns].equals(theirs[columns])


def test_a_file_that_changed_since_its_first_use_stops_the_study(servers):
    config = load("mine")
    fetch_downloads(config)
    make_candidates(config, "given")
    dev = Path("given/dev.txt")
    dev.write_text(dev.read_text() + "0\ttext\t0\n")
    with pytest.raises(InputError, match=r"given/dev\.txt: its sha256 is .* was recorded on first use"):
        make_candidates(config, "given")


def test_a_plain_path_is_candidates_without_download(servers):
    config = load("mine")
    fetch_downloads(config)
    study = yaml.safe_load(MINE.read_text())
    trec = Layout("test").candidates("bm25", "dev")
    study["candidates"]["given"]["dev"] = str(trec)
    MINE.write_text(yaml.safe_dump(study))
    make_candidates(load("mine"), "given")
    expected = read_given_run(trec, "trec", depth=12)
    assert read_run(Layout("mine").candidates("given", "dev")).equals(expected)
    assert not trec.with_name(trec.name + ".sha256").exists()
