"""The links of a corpus store: from names of pages, which may be redirects, to numbers of pages.

Names are kept as 64-bit hashes until all of them are known. Two of Wikipedia's 17 million titles have the
same hash with a probability of 1 in 100,000.
"""

import hashlib
from pathlib import Path

import numpy as np

from sirbench.backbones.corpora import Page, Redirect
from sirbench.backbones.corpora.store.ragged import starts_of
from sirbench.machine.errors import InputError


class Links:
    """The names of pages, what they link to, and redirects."""

    def __init__(self) -> None:
        self.pages: list[int] = []
        self.targets: list[np.ndarray] = []
        self.redirects: list[tuple[int, int]] = []

    def add(self, page: Page) -> None:
        """Note a page's name and links."""
        self.pages.append(_hash(page.name))
        self.targets.append(np.array(sorted({_hash(name) for name in page.links}), dtype=np.uint64))

    def redirect(self, entry: Redirect) -> None:
        """Note another name of a page."""
        self.redirects.append((_hash(entry.name), _hash(entry.target)))

    def write(self, folder: Path) -> None:
        """Resolve the links and save them in both directions.

        Up to two redirects in a row are followed; links of a page to itself are dropped. Raises InputError
        for two pages of the same name.
        """
        pages = np.array(self.pages, dtype=np.uint64)
        if len(np.unique(pages)) < len(pages):
            raise InputError(f"{folder}: the corpus has two pages of one name")
        targets = np.concatenate(self.targets)
        sources = np.repeat(np.arange(len(pages)), [len(row) for row in self.targets])
        redirects = np.array(self.redirects, dtype=np.uint64).reshape(-1, 2)
        for _ in range(2):
            found, where = _look_up(targets, redirects[:, 0])
            targets[found] = redirects[where, 1]
        found, where = _look_up(targets, pages)
        other = sources[found] != where
        ends = sources[found][other], where[other]
        for name, (rows, values) in (("links", ends), ("back", ends[::-1])):
            rows, values = np.divmod(np.unique(rows * len(pages) + values), len(pages))
            np.save(folder / f"{name}.npy", values.astype(np.uint32))
            np.save(folder / f"{name}.offsets.npy", starts_of(np.bincount(rows, minlength=len(pages))))


def _look_up(wanted: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places in `wanted` whose values are in `known`, and their places in `known`."""
    if not len(known):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(known, kind="stable")
    places = np.searchsorted(known, wanted, sorter=order)
    candidates = order[np.minimum(places, len(known) - 1)]
    found = np.flatnonzero(known[candidates] == wanted)
    return found, candidates[found]


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
