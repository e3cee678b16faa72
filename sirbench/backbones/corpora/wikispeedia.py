"""Wikispeedia: 4,604 articles of Wikipedia (a selection of 2007) and the 119,882 links between them.

The folder holds the unpacked archives of https://snap.stanford.edu/data/wikispeedia.html (West and Leskovec,
WWW 2012): `plaintext_articles/*.txt`, named by the articles' URL-encoded titles, and
`wikispeedia_paths-and-graph/links.tsv`. An article's file begins with its title and subjects and ends with a
note that says where it was retrieved; captions of pictures are among its paragraphs. Text is indented, while
the title, the subjects and headings are not: the first section ends at the first heading below the title.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from sirbench.backbones.corpora import Page
from sirbench.data.lines import numbered_lines
from sirbench.machine.errors import InputError
from sirbench.study import AnyCollection, Corpus

_ADDITIONS = ("#copyright", "2007 Schools Wikipedia Selection")
"""How paragraphs begin that the archive added to the article."""


def pages(corpus: Corpus, collection: AnyCollection, threads: int = 1) -> Iterator[Page]:
    """Every article, with or without links, in alphabetical order of the files' names."""
    assert corpus.path is not None
    articles = sorted((corpus.path / "plaintext_articles").glob("*.txt"))
    if not articles:
        raise InputError(
            f"{corpus.path}: backbones.*.corpus.path: there is no plaintext_articles/*.txt here; unpack "
            "Wikispeedia's archives (https://snap.stanford.edu/data/wikispeedia.html) into this folder"
        )
    links = _links(corpus.path / "wikispeedia_paths-and-graph" / "links.tsv")
    for path in tqdm(articles, "articles of Wikispeedia", unit=" articles", delay=2):
        lead, body = _sections(_text(path))
        yield Page(path.stem, lead, body, links.get(path.stem, ()))


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise InputError(f"{path}: not a regular file")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error})") from None


def _links(path: Path) -> dict[str, list[str]]:
    links: dict[str, list[str]] = defaultdict(list)
    for number, line in numbered_lines(path):
        if line.startswith("#"):
            continue
        source, tab, target = line.partition("\t")
        if not (tab and target):
            raise InputError(f"{path}, line {number}: expected two articles and a tab, found {line!r}")
        links[source].append(target)
    return links


def _sections(text: str) -> tuple[list[str], list[str]]:
    """The paragraphs of the first section and of the others, without headings and the archive's additions."""
    sections: list[list[str]] = [[]]
    for raw in re.split(r"\n\s*\n", text):
        paragraph = " ".join(raw.split())
        if paragraph.startswith("Retrieved from") or ' Retrieved from " http' in paragraph:
            paragraph = paragraph.partition("Retrieved from")[0].strip()
        if not paragraph or paragraph.startswith(_ADDITIONS):
            continue
        if not raw.lstrip("\n").startswith(" "):
            if sections[-1]:
                sections.append([])
            continue
        sections[-1].append(paragraph)
    return sections[0], [paragraph for section in sections[1:] for paragraph in section]
