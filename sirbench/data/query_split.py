"""One set of queries divided into training and dev queries, by a hash of what they say.

Queries that are near-duplicates are on one side: a model must not be evaluated on what it was trained on. The
hash is of the query's words, not of its id, and no query depends on another one: when queries are added, all
others stay where they are.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Literal

Side = Literal["train", "dev"]


def sides(queries: Mapping[str, str], dev_share: float) -> dict[str, Side]:
    """The side of each query, by id; about `dev_share` of the groups of near-duplicates are `dev`."""
    return {
        query_id: "dev" if _uniform(group) < dev_share else "train"
        for query_id, group in groups(queries).items()
    }


def groups(queries: Mapping[str, str]) -> dict[str, str]:
    """The name of each query's group, by id: those of the same words, in whatever order, are one."""
    return {
        query_id: " ".join(sorted(set(re.findall(r"\w+", text.casefold())))) or text
        for query_id, text in queries.items()
    }


def _uniform(name: str) -> float:
    """A number from 0 to 1 that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7]) / 2**56
