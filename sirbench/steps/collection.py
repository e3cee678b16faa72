"""Step `collection`: the study's queries and judgements as plain files, and a record of the collection."""

import json

from sirbench.atomic import atomic_file
from sirbench.config import Configuration
from sirbench.data import collections
from sirbench.layout import Layout


def make_collection(config: Configuration) -> None:
    """Write queries and qrels of both splits, and which collection they are of."""
    layout, spec = Layout(config.name), config.study.collection
    record = {"documents": collections.count_documents(spec.train)}
    for split, dataset, limit in (
        ("train", spec.train, spec.train_queries),
        ("dev", spec.dev, spec.dev_queries),
    ):
        queries = collections.read_queries(dataset, limit)
        qrels = collections.read_qrels(dataset)
        collections.write_queries(queries, layout.queries(split))
        collections.write_qrels(qrels[qrels["query_id"].isin(queries.keys())], layout.qrels(split))
        record[split] = {"dataset": dataset, "queries": len(queries)}
    record["fingerprint"] = collections.fingerprint(spec.train)
    with atomic_file(layout.collection) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
