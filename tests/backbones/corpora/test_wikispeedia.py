"""Wikispeedia's archives, unpacked: two articles written by hand, and the real ones if they are there."""

import shutil

import pytest

from sirbench.backbones.corpora import Page, pages
from sirbench.machine.errors import InputError
from sirbench.study import Collection, Corpus
from tests.checkouts import ROOT

ANY = Collection(train="pydocs/train", dev="pydocs/dev")
ARCHIVE = ROOT / "../shared/data/wikispeedia.tar.xz"

STONE = """   #copyright

Stone Age

2007 Schools Wikipedia Selection. Related subjects: Ancient History,
Classical History and Mythology

   The Stone Age is a period
   of history.

   It ends.

Tools

   Tools were used.

Epipalaeolithic/Mesolithic

   The period
   is long.
   Retrieved from " http://en.wikipedia.org/wiki/Stone_Age"
   This reference article is mainly selected from the English Wikipedia
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plaintext_articles").mkdir()
    (tmp_path / "plaintext_articles/Stone_Age.txt").write_text(STONE)
    (tmp_path / "plaintext_articles/Caf%C3%A9.txt").write_text("   #copyright\n\nCafé\n\n   A café.\n")
    (tmp_path / "wikispeedia_paths-and-graph").mkdir()
    (tmp_path / "wikispeedia_paths-and-graph/links.tsv").write_text(
        "# The list of all links\n\nStone_Age\tCaf%C3%A9\nCaf%C3%A9\tStone_Age\n"
    )
    return tmp_path


def read(folder):
    return list(pages(Corpus(source="wikispeedia", path=folder), ANY))


def test_articles_by_section_with_their_links(folder):
    assert read(folder) == [
        Page("Caf%C3%A9", ["A café."], [], ["Stone_Age"]),
        Page(
            "Stone_Age",
            ["The Stone Age is a period of history.", "It ends."],
            ["Tools were used.", "The period is long."],
            ["Caf%C3%A9"],
        ),
    ]


def test_another_folder(tmp_path):
    with pytest.raises(
        InputError, match=r"corpus\.path: there is no plaintext_articles/\*\.txt here; unpack"
    ):
        read(tmp_path)


def test_links_that_are_none(folder):
    path = folder / "wikispeedia_paths-and-graph/links.tsv"
    path.write_text("# comment\nStone_Age\n")
    with pytest.raises(
        InputError, match=r"links\.tsv, line 2: expected two articles and a tab, found 'Stone_Age'"
    ):
        read(folder)


def test_the_real_ones(tmp_path):
    if not ARCHIVE.exists():
        pytest.skip(f"no {ARCHIVE}")
    shutil.unpack_archive(ARCHIVE, tmp_path)
    articles = {page.name: page for page in read(tmp_path)}
    # The numbers that SNAP gives. Some links are of articles whose text is not among them.
    assert len(articles) == 4604
    lines = (tmp_path / "wikispeedia_paths-and-graph/links.tsv").read_text().splitlines()
    links = [line.split("\t") for line in lines if line and not line.startswith("#")]
    assert len(links) == 119_882
    assert sum(len(page.links) for page in articles.values()) == sum(
        source in articles for source, _ in links
    )
    stone = articles["Stone_Age"]
    assert any("first widespread use of technology" in paragraph for paragraph in stone.lead)
    assert not any("Retrieved from" in text or "copyright" in text for text in [*stone.lead, *stone.body])
