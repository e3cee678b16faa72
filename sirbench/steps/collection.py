"""Verb `collection`: the study's queries and judgements as plain files, and a record of the collection."""

import json
import logging
from collections.abc import Collection, Mapping, Set
from typing import Any

import pandas as pd

from sirbench.data import collections
from sirbench.data.own_checks import check
from sirbench.data.own_collections import files_of
from sirbench.data.query_split import alike, folds, write_folds
from sirbench.data.runs import without_self
from sirbench.data.sources import look_at_sources, note_sources
from sirbench.data.validation import choose_validation, write_held_out
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import sha256
from sirbench.study import OwnCollection

log = logging.getLogger(__name__)


def make_collection(config: Configuration) -> None:
    """Write queries and qrels of every split, and which collection they are of.

    Files of one's own are checked first. Raises InputError where a dev query has the id of a training query,
    whatever their texts, where a document that is relevant to a training query is not in the collection, and
    where most documents that are relevant to dev queries are not. Of fewer, as where judgements are of a
    larger collection, it warns: they count against every measure. An incomplete collection may lack any:
    training leaves them out, and the record says how many there are. And it raises InputError where there are
    not as many validation queries as asked for besides the training queries.
    """
    layout, spec = Layout(config.name), config.study.collection
    files = {"files": check_own_files(spec)} if isinstance(spec, OwnCollection) else {}
    splits = {"train": (spec.train, spec.train_queries), "dev": (spec.dev, spec.dev_queries)}
    sources = look_at_sources(spec)
    record: dict[str, Any] = {"documents": 0}
    everything = {split: collections.read_queries(dataset) for split, (dataset, _) in splits.items()}
    judged = {split: collections.read_qrels(dataset) for split, (dataset, _) in splits.items()}
    if spec.exclude_self:
        judged = {split: without_self(frame) for split, frame in judged.items()}
    queries = {split: collections.limited(everything[split], splits[split][1]) for split in splits}
    if spec.validation_queries:
        queries, held_out = _with_validation(config, queries, everything["train"])
        if spec.folds:  # all queries are of both sides, and choices are made on none that is measured
            queries["dev"] = {it: text for it, text in queries["dev"].items() if it not in held_out}
        judged["validation"] = judged["train"]
    for split, (dataset, _) in splits.items():
        record[split] = {"dataset": dataset, "queries": len(queries[split])}
    trained = judged["train"].query("relevance > 0")["query_id"]
    _refuse(
        config,
        # Also of those that the study does not keep, since first stages learn from all.
        () if spec.folds else queries["dev"].keys() & set(trained),
        f"queries of {spec.dev} have the id of a training query of {spec.train}",
        "what was trained on cannot be evaluated on, and queries of one id cannot be told apart: name "
        "another split as train or dev",
    )
    qrels = {split: frame[frame["query_id"].isin(queries[split].keys())] for split, frame in judged.items()}
    missing = set().union(*map(_relevant, qrels.values()))
    record["fingerprint"], record["documents"] = collections.contents(spec.train, everything, missing)
    _compare_counts(config, record["documents"])
    if spec.incomplete:
        record["missing"] = {split: len(_relevant(qrels[split]) & missing) for split in splits}
        record["relevant"] = {split: len(_relevant(qrels[split])) for split in splits}
        for split in queries.keys() - {"dev"}:
            qrels[split] = qrels[split][~qrels[split]["doc_id"].isin(missing)]
    elif not files:
        _check_missing(config, qrels, missing)
    for split in spec.splits:  # a query may have lost its positives here
        queries[split], qrels[split] = _with_positives(config, split, queries[split], qrels[split])
        if split in splits:
            record[split]["queries"] = len(queries[split])
    record |= {**files, **({"exclude_self": True} if spec.exclude_self else {})}
    if spec.folds:
        write_folds(_folds(config, queries), layout.folds)
    for split in spec.splits:
        collections.write_queries(queries[split], layout.queries(split))
        collections.write_qrels(qrels[split], layout.qrels(split))
    if spec.validation_queries:
        write_held_out(held_out, layout.held_out)
    with atomic_file(layout.collection) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    note_sources(sources, layout.collection)


def _folds(config: Configuration, queries: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """The fold of every query; InputError where one has nothing to be measured or trained on.

    Validation queries have folds of their own, since nothing is trained on them or their near-duplicates:
    each is measured by one of a cell's models, whichever.
    """
    every = config.study.collection.folds
    fold = folds({**queries["train"], **queries["dev"]}, len(every))
    fold |= folds(queries.get("validation", {}), len(every))
    for split, ids in queries.items():
        there = {fold[query_id] for query_id in ids}
        if len(there) < (2 if split == "train" else len(every)):
            raise InputError(
                f"config/studies/{config.name}.yaml: collection.split.folds: only {len(there)} of "
                f"{len(every)} folds have a {split} query, as near-duplicates stay in one; lower it"
            )
    return fold


def _with_validation(
    config: Configuration, queries: dict[str, dict[str, str]], train: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], set[str]]:
    """The splits with validation queries out of all of `train`, and the ids that nothing may train on."""
    spec, place = config.study.collection, f"config/studies/{config.name}.yaml: collection.validation_queries"
    assert spec.validation_queries
    # A fixed number of training queries is kept as it is; of all of them, the rest is.
    trained = queries["train"] if spec.train_queries else ()
    clusters = (
        alike(collections.all_queries(spec.train)) if spec.folds else collections.query_clusters(spec.train)
    )
    try:
        chosen, held_out = choose_validation(train, clusters, spec.validation_queries, trained)
    except InputError as error:
        raise InputError(f"{place}: {error}; lower this, or train_queries") from None
    kept = {query_id: text for query_id, text in queries["train"].items() if query_id not in held_out}
    if not kept:
        raise InputError(f"{place}: {spec.validation_queries} leave no query to train on; lower it")
    validation = {query_id: text for query_id, text in train.items() if query_id in set(chosen)}
    return {**queries, "train": kept, "validation": validation}, held_out


def _with_positives(
    config: Configuration, split: str, queries: Mapping[str, str], qrels: pd.DataFrame
) -> tuple[dict[str, str], pd.DataFrame]:
    """The queries that have a relevant document, and the judgements of these; InputError where none has."""
    kept = set(qrels.query("relevance > 0")["query_id"])
    if not kept:
        spec = config.study.collection
        raise InputError(
            f"config/studies/{config.name}.yaml: collection: no {split} query with a relevant document is "
            f"left of {spec.dev if split == 'dev' else spec.train}; has it none, or is the share of `split` "
            "too small or large?"
        )
    return {query: queries[query] for query in queries if query in kept}, qrels[qrels["query_id"].isin(kept)]


def check_own_files(spec: OwnCollection) -> dict[str, str]:
    """The sha256 of each file, by path; InputError, with file and line, where one is not as it should be."""
    files = files_of(spec)
    check(files, incomplete=spec.incomplete)
    return {str(path): sha256(path) for path in files.paths()}


def _compare_counts(config: Configuration, documents: int) -> None:
    """Warn where ir_datasets knows of another number of documents than there are: a file may be cut."""
    train = config.study.collection.train
    known = collections.open_collection(train, "docs").docs_count()
    if known not in (None, documents):
        log.warning("%s: has %d documents, and ir_datasets says %d", train, documents, known)


def _relevant(qrels: pd.DataFrame) -> set[str]:
    return set(qrels.query("relevance > 0")["doc_id"])


def _check_missing(config: Configuration, qrels: Mapping[str, pd.DataFrame], missing: Set[str]) -> None:
    """Refuse, or warn of, relevant documents that are not in the collection."""
    spec = config.study.collection
    _refuse(
        config,
        _relevant(qrels["train"]) & missing,
        f"documents that are relevant in {spec.train} have no text there",
        "nothing can be trained on a positive without its text; `incomplete: true` leaves it out",
    )
    relevant = _relevant(qrels["dev"])
    lacking = relevant & missing
    if lacking:
        message = "%d of %d documents that are relevant in %s are not in %s, and none can find them"
        log.warning(message, len(lacking), len(relevant), spec.dev, spec.train)
    _refuse(
        config,
        lacking if 2 * len(lacking) > len(relevant) else (),
        f"documents that are relevant in {spec.dev} are not in {spec.train}",
        "both must be over the same documents: name another split as train or dev",
    )


def _refuse(config: Configuration, ids: Collection[str], what: str, why: str) -> None:
    """Raise InputError if there are such ids, with the first few."""
    if ids:
        raise InputError(
            f"config/studies/{config.name}.yaml: collection: {len(ids)} {what}, e.g. "
            f"{', '.join(sorted(ids)[:3])}; {why}"
        )
