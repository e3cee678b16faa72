"""Corpora that backbones are pre-trained on, a file per source: `pages(corpus, collection, threads)`.

A page has a name, paragraphs (those of its first section apart) and the names of pages that it links to. To
add a source, write a file beside these and name it in `sirbench.study.Corpus`.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

from sirbench.study import Collection, Corpus


class Page(NamedTuple):
    """A document of a corpus."""

    name: str
    """What links call it."""
    lead: Sequence[str]
    """Paragraphs of the first section; of a text without sections, all of it."""
    body: Sequence[str] = ()
    """The other paragraphs."""
    links: Sequence[str] = ()
    """Names of pages that this one links to, as written: perhaps repeated, perhaps of no page here."""


class Redirect(NamedTuple):
    """Another name of a page."""

    name: str
    target: str


def pages(corpus: Corpus, collection: Collection, threads: int = 1) -> Iterator[Page | Redirect]:
    """Every page and redirect of a corpus, in its own order; `InputError` where it is not as it should be."""
    yield from import_module(f"{__name__}.{corpus.source}").pages(corpus, collection, threads)
