"""One set of queries divided by a hash: into training and dev queries, or into folds.

Queries that are near-duplicates stay together, in clusters (`alike`): a model must not be evaluated on what
it was trained on. The side of a cluster is by a hash of one of its queries' words, not of ids: when queries
are added, all others stay where they are but for those that are alike. Folds are as equally large as clusters
let them be.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from sirbench.data.lines import numbered_lines, write_lines
from sirbench.data.near_duplicates import ALIKE_QUERIES, clusters, near_duplicates, words

Side = Literal["train", "dev"]


def sides(queries: Mapping[str, str], dev_share: float) -> dict[str, Side]:
    """The side of each query, by id; about `dev_share` of the clusters of near-duplicates are `dev`."""
    group = groups(queries)
    members: dict[str, list[str]] = defaultdict(list)
    for query_id, cluster in alike(queries).items():
        members[cluster].append(query_id)
    side = dict[str, Side]()
    for ids in members.values():
        # The one with the least hash stands for all; a hash of that name again, which is not small for it.
        name = min((group[query_id] for query_id in ids), key=_uniform)
        side |= dict.fromkeys(ids, "dev" if _uniform(f"side of {name}") < dev_share else "train")
    return {query_id: side[query_id] for query_id in queries}


def groups(queries: Mapping[str, str]) -> dict[str, str]:
    """The name of each query's group, by id: those of the same words, in whatever order, are one."""
    return {
        query_id: " ".join(sorted(set(re.findall(r"\w+", text.casefold())))) or text
        for query_id, text in queries.items()
    }


def alike(queries: Mapping[str, str]) -> dict[str, str]:
    """The cluster of each query, by id, named by the smallest id in it.

    Two queries are linked where their sets of words have a Jaccard index of `ALIKE_QUERIES` or more.
    """
    ids = sorted(queries)
    pairs = near_duplicates((set(words(queries[query_id])) for query_id in ids), ALIKE_QUERIES)
    return {query_id: ids[first] for query_id, first in zip(ids, clusters(len(ids), pairs), strict=True)}


def folds(queries: Mapping[str, str], number: int) -> dict[str, int]:
    """The fold of each query, by id, from 1 to `number`: a whole cluster (`alike`) is in one.

    Clusters come in the order of a hash, each to the fold that has the fewest queries so far. So no two folds
    differ by more queries than the largest cluster has, and where there are fewer clusters than folds, some
    have none.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for query_id, cluster in alike(queries).items():
        members[cluster].append(query_id)
    sizes, fold = [0] * number, dict[str, int]()
    for cluster in sorted(members, key=_uniform):
        smallest = sizes.index(min(sizes))
        sizes[smallest] += len(members[cluster])
        fold |= dict.fromkeys(members[cluster], smallest + 1)
    return fold


def write_folds(fold: Mapping[str, int], path: Path) -> None:
    """Write `id<TAB>fold` lines, sorted."""
    write_lines(path, (f"{query_id}\t{number}" for query_id, number in sorted(fold.items())))


def read_folds(path: Path) -> dict[str, int]:
    """Read a file of `write_folds`."""
    lines = (line.split("\t") for _, line in numbered_lines(path))
    return {query_id: int(number) for query_id, number in lines}


def _uniform(name: str) -> float:
    """A number from 0 to 1 that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7]) / 2**56
