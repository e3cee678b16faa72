"""Near-duplicates among texts: what two of them share, every pair that shares much, clusters of pairs."""

import math
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np

Token = TypeVar("Token")

SHINGLE = 5
"""The number of tokens of a shingle."""

ALIKE_QUERIES = 0.6
"""Two queries whose words resemble each other as much as this are near-duplicates. At 0.5 one cluster would
hold a tenth of PyDocs' queries, as it links everything that begins alike; at 0.6 the largest has 159."""

_WORD = re.compile(r"\w+")
_ROUNDING = 1e-9
"""Shares of whole numbers are compared with this much room."""


def words(text: str) -> list[str]:
    """The words of a text in order, without case and punctuation."""
    return [sys.intern(word) for word in _WORD.findall(text.casefold())]


def shingles(tokens: Sequence[Token]) -> set[tuple[Token, ...]]:
    """Every run of `SHINGLE` consecutive tokens; fewer tokens are one shingle, and none have none."""
    if len(tokens) < SHINGLE:
        return {tuple(tokens)} if tokens else set()
    return set(zip(*(tokens[start:] for start in range(SHINGLE)), strict=False))


def resemblance(some: Collection[Hashable], others: Collection[Hashable]) -> float:
    """The Jaccard index of two sets, from 0 to 1; 0 where one is empty.

    Of the shingles of two texts it is their resemblance. Source: A. Z. Broder, On the resemblance and
    containment of documents, 1997.
    """
    some, others = set(some), set(others)
    return len(some & others) / len(some | others) if some and others else 0.0


def near_duplicates(
    sets: Iterable[Collection[Hashable]], least_resemblance: float, least_containment: float | None = None
) -> list[tuple[int, int]]:
    """Every pair of sets that are near-duplicates, as the numbers of both, ascending.

    They are where their resemblance |A & B| / |A | B| is no less than `least_resemblance`, or, if given, the
    containment of the smaller in the larger one, |A & B| / min(|A|, |B|), no less than `least_containment`.

    The result is exact. A smaller set A that shares at least a share c of its elements with another has one
    of its |A| - ceil(c |A|) + 1 rarest in common with it: only these are looked up. Source: Chaudhuri, Ganti
    and Kaushik, A primitive operator for similarity joins in data cleaning, 2006 (prefix filtering).
    """
    sizes, shared = _shared_elements(sets)
    # With a <= b, a resemblance of r is |A & B| >= r (a + b) / (1 + r) >= 2 r / (1 + r) a.
    share = 2 * least_resemblance / (1 + least_resemblance)
    share = share if least_containment is None else min(share, least_containment)
    found = []
    looked_up: dict[int, list[int]] = defaultdict(list)
    members = [frozenset(elements) for elements in shared]
    for large in sorted(range(len(sizes)), key=sizes.__getitem__):
        others = {small for element in shared[large] if element in looked_up for small in looked_up[element]}
        for small in others:
            common, smaller = len(members[small] & members[large]), sizes[small]
            resembling = common / (smaller + sizes[large] - common) >= least_resemblance - _ROUNDING
            contained = least_containment is not None and common / smaller >= least_containment - _ROUNDING
            if resembling or contained:
                found.append((min(small, large), max(small, large)))
        prefix = sizes[large] - math.ceil(share * sizes[large] - _ROUNDING) + 1
        # The rarest are those that no other set has; they are not among the shared.
        for element in shared[large][: max(0, prefix - (sizes[large] - len(shared[large])))]:
            looked_up[element].append(large)
    return sorted(found)


def clusters(number: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """The smallest number in the cluster of each of 0 ... `number` - 1: linked ones are in one cluster."""
    parent = list(range(number))

    def root(of: int) -> int:
        while parent[of] != of:
            parent[of] = parent[parent[of]]
            of = parent[of]
        return of

    for pair in pairs:
        low, high = sorted(map(root, pair))
        parent[high] = low
    return [root(of) for of in range(number)]


def _shared_elements(sets: Iterable[Collection[Hashable]]) -> tuple[list[int], list[list[int]]]:
    """The size of each set, and those of its elements that other sets have too, as numbers, rarest first."""
    numbers: dict[Hashable, int] = {}
    numbered = [
        np.array([numbers.setdefault(element, len(numbers)) for element in one], dtype=np.int64)
        for one in sets
    ]
    uses = np.bincount(np.concatenate([np.empty(0, dtype=np.int64), *numbered]), minlength=len(numbers))
    rank = np.empty(len(numbers), dtype=np.int64)
    rank[np.argsort(uses, kind="stable")] = np.arange(len(numbers))
    alone = int((uses == 1).sum())
    by_rarity = (np.sort(rank[one]) for one in numbered)
    return [len(one) for one in numbered], [one[one >= alone].tolist() for one in by_rarity]
