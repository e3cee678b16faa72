"""Step `candidates`: the first-stage runs of the study's train and dev queries."""

from pathlib import Path

import pandas as pd

from sirbench.config import Configuration
from sirbench.data import collections
from sirbench.data.runs import check_ids, read_run, write_run
from sirbench.errors import InputError
from sirbench.firststage import Trained, check_options, first_stage, options_of
from sirbench.layout import Layout
from sirbench.study import FirstStage, GivenRuns

SPLITS = ("train", "dev")


def make_candidates(config: Configuration, name: str) -> None:
    """Write the runs of both splits: retrieved by a first stage, or taken from given files as they are."""
    layout, spec = Layout(config.name), config.study.candidates[name]
    queries = {split: collections.load_queries(layout.queries(split)) for split in SPLITS}
    retrieved = isinstance(spec, FirstStage)
    runs = _retrieve(config, name, spec, queries) if retrieved else _take(config, spec, queries)
    for split, run in runs.items():
        write_run(run, layout.candidates(name, split), tag=name)


def _retrieve(
    config: Configuration, name: str, spec: FirstStage, queries: dict[str, dict[str, str]]
) -> dict[str, pd.DataFrame]:
    """Both splits from one index."""
    check_options(spec.first_stage, spec.options)
    layout, compute = Layout(config.name), config.study.compute
    retrieve = first_stage(spec.first_stage).retrieve
    options = options_of(retrieve, spec.options) | {"depth": config.study.depth}
    documents = collections.iterate_documents(config.study.collection.train)
    every = queries["train"] | queries["dev"]
    if spec.backbone is None:
        run = retrieve(documents, every, **options)
    else:
        # Imported here, since torch takes seconds that BM25 does without.
        from sirbench.data.tokens import TokenStore
        from sirbench.ranking.device import claim_device

        store = TokenStore(layout.tokens(spec.backbone))
        with claim_device(min(1, compute.gpus), compute.threads) as device:
            trained = Trained(layout.learned(name) / "model", store, config.study.input, compute, device)
            run = retrieve(documents, every, trained=trained, **options)
    return {split: run[run["query_id"].isin(queries[split].keys())] for split in SPLITS}


def _take(
    config: Configuration, spec: GivenRuns, queries: dict[str, dict[str, str]]
) -> dict[str, pd.DataFrame]:
    """The given runs, cut to the study's queries and depth, once every id is known to the collection."""
    documents = {document.doc_id for document in collections.iterate_documents(config.study.collection.train)}
    runs = {}
    for split in SPLITS:
        path: Path = getattr(spec, split)
        if not path.exists():
            raise InputError(f"{path}: no such run file. {spec.source}".rstrip())
        run = read_run(path, depth=config.study.depth)
        known = collections.query_ids(getattr(config.study.collection, split))
        check_ids(run, path, queries=known, documents=documents)
        runs[split] = run[run["query_id"].isin(queries[split].keys())]
        if runs[split].empty:
            raise InputError(f"{path}: has none of the {len(queries[split])} {split} queries of the study")
    return runs
