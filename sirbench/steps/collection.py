"""Verb `collection`: the study's queries and judgements as plain files, and a record of the collection."""

import json
import logging
from collections.abc import Collection
from typing import Any

from sirbench.data import collections
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError

log = logging.getLogger(__name__)


def make_collection(config: Configuration) -> None:
    """Write queries and qrels of both splits, and which collection they are of.

    Raises InputError where a dev query has the id of a training query, whatever their texts, and where most
    documents that are relevant to dev queries are not in the collection. Of fewer, as where judgements are of
    a larger collection, it warns: they count against every measure.
    """
    layout, spec = Layout(config.name), config.study.collection
    splits = {"train": (spec.train, spec.train_queries), "dev": (spec.dev, spec.dev_queries)}
    record: dict[str, Any] = {"documents": collections.count_documents(spec.train)}
    everything, queries, judged = {}, {}, {}
    for split, (dataset, limit) in splits.items():
        everything[split] = collections.read_queries(dataset)
        queries[split] = collections.limited(everything[split], limit)
        judged[split] = collections.read_qrels(dataset)
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
    for split in splits:
        collections.write_queries(queries[split], layout.queries(split))
        collections.write_qrels(qrels[split], layout.qrels(split))
    with atomic_file(layout.collection) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _refuse(config: Configuration, ids: Collection[str], what: str, why: str) -> None:
    """Raise InputError if there are such ids, with the first few."""
    if ids:
        raise InputError(
            f"config/studies/{config.name}.yaml: collection: {len(ids)} {what}, e.g. "
            f"{', '.join(sorted(ids)[:3])}; {why}: name another split as train or dev"
        )
