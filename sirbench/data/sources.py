"""The files that a collection is read from: noted with its fingerprint, so that later jobs notice a change.

What is noted is size and times of each file. Where one of them differs, the collection is fingerprinted
again: a file that was copied or downloaded anew is the same, one with another text is not.
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import ir_datasets

from sirbench.data import collections, pydocs
from sirbench.data.own_collections import existing_files
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.study import AnyCollection, OneSet, OwnCollection

logger = logging.getLogger(__name__)


def notes_of(record: Path) -> Path:
    """Where the files are noted of the collection that is recorded there."""
    return record.with_name(f".{record.stem}.sources")


def look_at_sources(spec: AnyCollection) -> dict[str, list[int]]:
    """Size, time of the last write and of the last change of each file of a collection, by path."""
    noted = {}
    for path in _files(spec):
        found = path.stat()
        noted[str(path)] = [found.st_size, found.st_mtime_ns, found.st_ctime_ns]
    return noted


def note_sources(noted: dict[str, list[int]], record: Path) -> None:
    """Keep what `look_at_sources` has found, which is what was there before the collection was read."""
    with atomic_file(notes_of(record)) as temporary:
        temporary.write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


def check_sources(spec: AnyCollection, record: Path) -> None:
    """Raise `InputError` if a collection is no longer the one that was recorded; for whoever reads it again.

    Nothing is looked at where its files are not noted, as before the collection is made.
    """
    if not notes_of(record).exists():
        return
    now, noted = look_at_sources(spec), read_object(notes_of(record))
    changed = [path for path, described in noted.items() if now.get(path) != described]
    if not changed:
        return
    logger.info("%s has changed: looking whether the collection is still the same", changed[0])
    known = read_object(record).get("fingerprint")
    if read_fingerprint(spec) != known:
        raise InputError(
            f"{changed[0]}: changed since {record} was made: documents or queries are other ones now, and "
            "what was made of them would not fit. Put the file back, or remove "
            f"{record.parents[1]} to make everything of the study anew"
        )
    note_sources(now, record)


def read_fingerprint(spec: AnyCollection) -> str:
    """The fingerprint of all documents, and of all judged queries, as they are now."""
    queries = {split: collections.read_queries(getattr(spec, split)) for split in ("train", "dev")}
    return collections.contents(spec.train, queries).fingerprint


def _files(spec: AnyCollection) -> Iterator[Path]:
    """The files of one's own collection, of PyDocs, or all that ir_datasets keeps of a collection."""
    if isinstance(spec, OwnCollection):
        yield from existing_files(spec)
        return
    names = (spec.dataset,) if isinstance(spec, OneSet) else (spec.train, spec.dev)
    for dataset in dict.fromkeys(map(_with_documents, names)):
        home = pydocs.data_home() if dataset in pydocs.PACKAGES else ir_datasets.util.home_path()
        yield from sorted(path for path in (home / dataset).rglob("[!.]*") if path.is_file())


def _with_documents(dataset: str) -> str:
    """The shortest beginning of its name that has documents: `beir/scifact` of `beir/scifact/train`."""
    parts = dataset.split("/")
    names = ("/".join(parts[: end + 1]) for end in range(len(parts)))
    return next(
        (name for name in names if name in ir_datasets.registry and ir_datasets.registry[name].has_docs()),
        dataset,
    )
