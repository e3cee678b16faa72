"""Verb `collection`: the study's queries and judgements as plain files, and a record of the collection."""

import json
import logging
from collections.abc import Collection, Mapping
from typing import Any

from sirbench.data import collections
from sirbench.data.validation import choose_validation, write_held_out
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError

log = logging.getLogger(__name__)


def make_collection(config: Configuration) -> None:
    """Write queries and qrels of every split, and which collection they are of.

    Raises InputError where a dev query has the id of a training query, whatever their texts, and where most
    documents that are relevant to dev queries are not in the collection. Of fewer, as where judgements are of
    a larger collection, it warns: they count against every measure. And where validation queries are asked
    for, but there are not enough besides the training queries.
    """
    layout, spec = Layout(config.name), config.study.collection
    splits = {"train": (spec.train, spec.train_queries), "dev": (spec.dev, spec.dev_queries)}
    record: dict[str, Any] = {"documents": collections.count_documents(spec.train)}
    everything = {split: collections.read_queries(dataset) for split, (dataset, _) in splits.items()}
    judged = {split: collections.read_qrels(dataset) for split, (dataset, _) in splits.items()}
    queries = {split: collections.limited(everything[split], splits[split][1]) for split in splits}
    if spec.validation_queries:
        queries, held_out = _with_validation(config, queries, everything["train"])
        judged["validation"] = judged["train"]
    for split, (dataset, _) in splits.items():
        record[split] = {"dataset": dataset, "queries": len(queries[split])}
    trained = judged["train"].query("relevance > 0")["query_id"]
    _refuse(
        config,
        # Also of those that the study does not keep, since first stages learn from all.
        queries["dev"].keys() & set(trained),
        f"queries of {spec.dev} have the id of a training query of {spec.train}",
        "what was trained on cannot be evaluated on, and queries of one id cannot be told apart",
    )
    qrels = {split: frame[frame["query_id"].isin(queries[split].keys())] for split, frame in judged.items()}
    relevant = set(qrels["dev"].query("relevance > 0")["doc_id"])
    missing = set(relevant)
    record["fingerprint"] = collections.fingerprint(spec.train, everything, missing)
    if missing:
        message = "%d of %d documents that are relevant in %s are not in %s, and none can find them"
        log.warning(message, len(missing), len(relevant), spec.dev, spec.train)
    _refuse(
        config,
        missing if 2 * len(missing) > len(relevant) else (),
        f"documents that are relevant in {spec.dev} are not in {spec.train}",
        "both must be over the same documents",
    )
    for split in spec.splits:
        collections.write_queries(queries[split], layout.queries(split))
        collections.write_qrels(qrels[split], layout.qrels(split))
    if spec.validation_queries:
        write_held_out(held_out, layout.held_out)
    with atomic_file(layout.collection) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _with_validation(
    config: Configuration, queries: dict[str, dict[str, str]], train: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], set[str]]:
    """The splits with validation queries out of all of `train`, and the ids that nothing may train on."""
    spec, place = config.study.collection, f"config/studies/{config.name}.yaml: collection.validation_queries"
    assert spec.validation_queries
    # A fixed number of training queries is kept as it is; of all of them, the rest is.
    trained = queries["train"] if spec.train_queries else ()
    clusters = collections.query_clusters(spec.train)
    try:
        chosen, held_out = choose_validation(train, clusters, spec.validation_queries, trained)
    except InputError as error:
        raise InputError(f"{place}: {error}; lower this, or train_queries") from None
    kept = {query_id: text for query_id, text in queries["train"].items() if query_id not in held_out}
    if not kept:
        raise InputError(f"{place}: {spec.validation_queries} leave no query to train on; lower it")
    validation = {query_id: text for query_id, text in train.items() if query_id in set(chosen)}
    return {**queries, "train": kept, "validation": validation}, held_out


def _refuse(config: Configuration, ids: Collection[str], what: str, why: str) -> None:
    """Raise InputError if there are such ids, with the first few."""
    if ids:
        raise InputError(
            f"config/studies/{config.name}.yaml: collection: {len(ids)} {what}, e.g. "
            f"{', '.join(sorted(ids)[:3])}; {why}: name another split as train or dev"
        )
