"""A dump of Wikipedia: `pages-articles` as published at https://dumps.wikimedia.org, read in a stream.

Articles are the pages of namespace 0 that are not redirects. Their wikitext is parsed by mwparserfromhell and
only prose is kept: templates, tables, references, formulas, files and comments are dropped, and so is the
text of appendices, but not their links. A link is resolved by its title, through redirects, when the whole
dump has been read.
"""

import bz2
import multiprocessing
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import mwparserfromhell
from mwparserfromhell import nodes
from mwparserfromhell.wikicode import Wikicode
from tqdm import tqdm

from sirbench.backbones.corpora import Page, Redirect
from sirbench.machine.errors import InputError
from sirbench.study import AnyCollection, Corpus

APPENDICES = {
    *("references", "notes", "sources", "bibliography", "citations", "footnotes", "works cited"),
    *("external links", "further reading", "see also"),
}
"""Titles of sections that are lists, not prose."""

_UNREAD_TAGS = {
    *("ref", "references", "table", "math", "chem", "ce", "gallery", "timeline", "score", "graph"),
    *("imagemap", "syntaxhighlight", "source", "pre", "hiero", "inputbox", "templatedata", "style"),
}
_LINE_TAGS = {"li", "dd", "dt", "br", "p", "div", "hr", "blockquote"}
_NO_ARTICLE = re.compile(r"\s*(file|image|category|media|wikt|wikipedia|help|portal|special|template):", re.I)

BATCH = 2000
"""Pages that are in memory at a time when several processes parse them."""


def pages(corpus: Corpus, collection: AnyCollection, threads: int = 1) -> Iterator[Page | Redirect]:
    """Every article and redirect, in the dump's order.

    Parsing takes most of the time and is shared by `threads` processes. Raises InputError if the file is
    missing or not a complete dump.
    """
    assert corpus.path is not None
    entries = iter(tqdm(_entries(corpus.path), "pages of the dump", unit=" pages", delay=2))
    if threads == 1:
        yield from map(_read, entries)
        return
    # Spawned: a process forked while threads run may hang.
    with multiprocessing.get_context("spawn").Pool(threads) as pool:
        while batch := list(islice(entries, BATCH)):
            yield from pool.imap(_read, batch, chunksize=20)


class _Entry(NamedTuple):
    title: str
    redirect: str | None
    text: str


def _entries(path: Path) -> Iterator[_Entry]:
    """The pages of namespace 0."""
    if not path.is_file():
        raise InputError(
            f"{path}: backbones.*.corpus.path: there is no such file; https://dumps.wikimedia.org/enwiki/ "
            "has enwiki-DATE-pages-articles.xml.bz2 (20 GB)"
        )
    try:
        with bz2.open(path) if path.suffix == ".bz2" else path.open("rb") as file:
            elements = ElementTree.iterparse(file, events=("start", "end"))
            _, root = next(elements)
            for event, element in elements:
                if event == "end" and _local(element.tag) == "page":
                    fields = {_local(child.tag): child for child in element}
                    text = next((part.text for part in element.iter() if _local(part.tag) == "text"), None)
                    if fields["ns"].text == "0":
                        redirect = fields.get("redirect")
                        target = None if redirect is None else redirect.get("title", "")
                        yield _Entry(fields["title"].text or "", target, text or "")
                    # Otherwise every page would stay in memory until the end.
                    root.clear()
    except (ElementTree.ParseError, EOFError, OSError, ValueError, KeyError, StopIteration) as error:
        raise InputError(f"{path}: not a complete dump in MediaWiki's XML ({error})") from error


def _read(entry: _Entry) -> Page | Redirect:
    if entry.redirect is not None:
        return Redirect(entry.title, title_of(entry.redirect))
    return article(entry.title, entry.text)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def article(title: str, wikitext: str) -> Page:
    """An article: its paragraphs of prose and the titles that it links to."""
    links: list[str] = []
    sections: list[list[str]] = [[]]
    prose = True
    for node in mwparserfromhell.parse(wikitext, skip_style_tags=True).nodes:
        if isinstance(node, nodes.Heading):
            prose = node.title.strip_code().strip().casefold() not in APPENDICES
            sections.append([])
            continue
        text = _text(node, links)
        if prose:
            sections[-1].append(text)
    lead, *others = ([" ".join(line.split()) for line in "".join(parts).split("\n")] for parts in sections)
    body = [line for section in others for line in section if line]
    return Page(title, [line for line in lead if line], body, links)


def _text(node: nodes.Node, links: list[str]) -> str:
    """The visible text of a node; the titles that it links to are added to `links`."""

    def inside(code: Wikicode | None) -> str:
        return "" if code is None else "".join(_text(child, links) for child in code.nodes)

    if isinstance(node, nodes.Text):
        return node.value.replace("'''", "").replace("''", "")
    if isinstance(node, nodes.HTMLEntity):
        return node.normalize()
    if isinstance(node, nodes.ExternalLink):
        return inside(node.title)
    if isinstance(node, nodes.Wikilink):
        target = str(node.title)
        if _NO_ARTICLE.match(target):
            return ""
        links.append(title_of(target))
        return inside(node.text if node.text is not None else node.title)
    if isinstance(node, nodes.Tag):
        name = str(node.tag).strip().casefold()
        if name in _UNREAD_TAGS:
            return ""
        return inside(node.contents) + ("\n" if name in _LINE_TAGS else "")
    return ""  # templates, their arguments, comments


def title_of(target: str) -> str:
    """The title that a link refers to: no section, blanks for underscores, the first letter in upper case."""
    title = " ".join(target.partition("#")[0].replace("_", " ").split()).removeprefix(":").strip()
    return title[:1].upper() + title[1:]
