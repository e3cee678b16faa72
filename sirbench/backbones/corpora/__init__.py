"""Corpora that backbones are pre-trained on, one file per source: `pages(corpus, collection, threads)`.

A page has a name, paragraphs (those of the first section are kept separately) and the names of the pages that
it links to. To add a source, write a file in this folder and name it in `sirbench.study.Corpus`.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

from sirbench.study import AnyCollection, Corpus


class Page(NamedTuple):
    """A document of a corpus."""

    name: str
    """The name that links use."""
    lead: Sequence[str]
    """The paragraphs of the first section; all paragraphs of a text without sections."""
    body: Sequence[str] = ()
    """The other paragraphs."""
    links: Sequence[str] = ()
    """The names of the pages that this one links to, as written; some may repeat or name no page."""


class Redirect(NamedTuple):
    """Another name of a page."""

    name: str
    target: str


def pages(corpus: Corpus, collection: AnyCollection, threads: int = 1) -> Iterator[Page | Redirect]:
    """Every page and redirect of a corpus, in its order; InputError if its files are missing or malformed."""
    yield from import_module(f"{__name__}.{corpus.source}").pages(corpus, collection, threads)
