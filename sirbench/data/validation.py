"""Validation queries: some of the training side that nothing trains on, so that choices are made on them."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from sirbench.data.lines import numbered_lines, write_lines
from sirbench.machine.errors import InputError


class Validation(NamedTuple):
    """What the training side gives up."""

    queries: list[str]
    """Ids of the validation queries."""
    held_out: set[str]
    """Ids of all queries that nothing may train on: those, and the rest of their clusters."""


def choose_validation(
    queries: Collection[str], cluster: Mapping[str, str], number: int, trained: Collection[str]
) -> Validation:
    """Choose so many validation queries, a whole cluster of near-duplicates after the other.

    Clusters come by the sha256 of their name, highest first, while training queries are those with the lowest
    of their id. A cluster with a query of `trained` is left out, so a study that keeps a fixed number of
    training queries trains on the same ones with validation queries and without. Of the last cluster there
    may be more queries than are needed; they are held out without being asked.

    Args:
        queries: ids of all training-side queries that have a positive.
        cluster: name of the cluster of each training-side query, judged or not.
        number: how many validation queries there shall be.
        trained: ids of those that the study trains on in any case.

    Raises:
        InputError: there are not so many besides those that are trained on.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for query_id, name in cluster.items():
        members[name].append(query_id)
    judged, taken = set(queries), {cluster[query_id] for query_id in trained}
    free = sorted((name for name in members if name not in taken), key=_hash, reverse=True)
    chosen: list[str] = []
    held_out: set[str] = set()
    for name in free:
        if len(chosen) == number:
            break
        asked = sorted(judged.intersection(members[name]), key=_hash)
        if asked:
            chosen += asked[: number - len(chosen)]
            held_out.update(members[name])
    if len(chosen) < number:
        raise InputError(
            f"there are only {len(chosen)} queries of the training side that are not near-duplicates of "
            f"the {len(trained)} that are trained on"
        )
    return Validation(chosen, held_out)


def write_held_out(held_out: Collection[str], path: Path) -> None:
    """Write ids, one on a line, sorted."""
    write_lines(path, sorted(held_out))


def read_held_out(path: Path) -> set[str]:
    """Read a file of `write_held_out`."""
    return {line for _, line in numbered_lines(path)}


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
