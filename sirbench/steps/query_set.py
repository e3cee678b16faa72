"""Verb `collection --on`: queries and judgements of a further set, and a record of where they come from."""

import json
import logging
from typing import Any

from sirbench.data import collections
from sirbench.data.near_duplicates import words
from sirbench.data.runs import without_self
from sirbench.jobs.configuration import Configuration
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.steps.collection import check_own_files
from sirbench.study import HOME, OwnCollection, QuerySet

log = logging.getLogger(__name__)


def make_query_set(config: Configuration, name: str) -> None:
    """Write the queries that have a relevant document, their judgements, and a record, of a further set.

    What has the words of a training query of the study, in whatever order, is left out: cells may have been
    trained on it. Documents that are judged relevant and are not in the collection are warned of.

    Raises:
        InputError: the set has no query with a relevant document that nothing was trained on.
    """
    spec, layout = config.study.evaluate_on[name], config.at(name).layout
    if spec.collection is None:
        queries = collections.load_queries(config.layout.queries(HOME))
        qrels = collections.load_qrels(config.layout.qrels(HOME))
        record: dict[str, Any] = {"dataset": config.study.collection.dev, "trained_on": 0}
    else:
        queries, record = _foreign_queries(config, spec)
        qrels = collections.read_qrels(record["dataset"])
        if spec.exclude_self:
            qrels = without_self(qrels)
    relevant = set(qrels.query("relevance > 0")["query_id"])
    queries = collections.limited({it: queries[it] for it in queries if it in relevant}, spec.queries)
    if not queries:
        raise InputError(
            f"config/studies/{config.name}.yaml: evaluate_on.{name}: {record['dataset']} has no query "
            "with a relevant document that the study has not trained on"
        )
    qrels = qrels[qrels["query_id"].isin(queries.keys())]
    if spec.collection is not None:
        missing = set(qrels.query("relevance > 0")["doc_id"])
        read = collections.contents(record["dataset"], {HOME: queries}, missing)
        record["documents"], record["fingerprint"] = read.documents, read.fingerprint
        if missing:
            message = "%d documents that are relevant in %s are not in it, and none can find them"
            log.warning(message, len(missing), record["dataset"])
    collections.write_queries(queries, layout.queries(HOME))
    collections.write_qrels(qrels, layout.qrels(HOME))
    with atomic_file(layout.collection) as temporary:
        text = json.dumps({**record, "queries": len(queries)}, indent=2)
        temporary.write_text(text + "\n", encoding="utf-8")


def _foreign_queries(config: Configuration, spec: QuerySet) -> tuple[dict[str, str], dict[str, Any]]:
    """The queries of another collection that nothing was trained on, and a record of it."""
    assert spec.dataset is not None
    files = {}
    if isinstance(spec.collection, OwnCollection):
        files = {"files": check_own_files(spec.collection)}
    trained = {_words(text) for text in collections.query_texts(config.study.collection.train)}
    every = collections.read_queries(spec.dataset)
    kept = {query_id: text for query_id, text in every.items() if _words(text) not in trained}
    record = {
        "dataset": spec.dataset,
        "documents": 0,
        "trained_on": len(every) - len(kept),
    }
    return kept, record | files


def _words(text: str) -> frozenset[str]:
    return frozenset(words(text))
