"""Verb `candidates`: the first-stage runs of the queries of all splits of the study."""

import sys

import pandas as pd

from sirbench.data import collections, download
from sirbench.data.given_runs import read_given_run, results
from sirbench.data.own_collections import all_query_ids
from sirbench.data.run_facts import RunFacts, contradicting_queries, run_facts
from sirbench.data.runs import check_ids, without_self, write_run
from sirbench.data.sources import check_sources
from sirbench.firststage import Trained, first_stage
from sirbench.jobs.configuration import Configuration
from sirbench.machine.errors import InputError
from sirbench.study import FirstStage, GivenRuns, RunFile

SPLITS_OF = {"train": {"train", "validation"}, "dev": {"dev"}}
"""The splits whose queries a given run has: validation queries are of the training side."""


def make_candidates(config: Configuration, name: str) -> None:
    """Write the run of every split: retrieved by a first stage, or read from given files."""
    layout, spec = config.layout, config.study.candidates[name]
    check_sources(config.study.collection, layout.collection)
    splits = config.study.collection.splits
    queries = {split: collections.load_queries(layout.queries(split)) for split in splits}
    if isinstance(spec, FirstStage):
        runs = _retrieve(config, name, spec, queries)
    else:
        runs = _take(config, spec, queries)
    for split, run in runs.items():
        write_run(run, layout.candidates(name, split), tag=name)


def _retrieve(
    config: Configuration, name: str, spec: FirstStage, queries: dict[str, dict[str, str]]
) -> dict[str, pd.DataFrame]:
    """All splits from one index."""
    layout, compute, depth = config.layout, config.study.compute, _depth(config)
    retriever = first_stage(spec)
    documents = collections.iterate_documents(config.study.collection.train)
    every = {name: text for split in queries.values() for name, text in split.items()}
    if spec.backbone is None:
        run = retriever.retrieve(documents, every, depth=depth)
    else:
        # Imported here, since torch takes seconds that BM25 does without.
        from sirbench.data.tokens import TokenStore
        from sirbench.machine.device import claim_device

        store = TokenStore(config.tokens(spec.backbone))
        with claim_device(min(1, compute.gpus), compute.threads) as device:
            trained = Trained(layout.learned(name).model, store, config.study.input, compute, device)
            run = retriever.retrieve(documents, every, depth=depth, trained=trained)
    run = _allowed(config, run)
    return {split: run[run["query_id"].isin(queries[split].keys())] for split in queries}


def _take(
    config: Configuration, spec: GivenRuns, queries: dict[str, dict[str, str]]
) -> dict[str, pd.DataFrame]:
    """The given runs, cut to the study's queries and depth, once every id is known to the collection."""
    for file in spec.files.values():
        if not file.path.exists():
            fetch = (
                f"`sirbench fetch --study {config.name}` brings it. {download.by_hand(file)}."
                if file.url
                else ""
            )
            raise InputError(" ".join(filter(None, [f"{file.path}: no such run file.", fetch, spec.source])))
        if not file.path.is_file():
            raise InputError(f"{file.path}: not a regular file")
        if file.url or file.size or file.sha256:
            download.verify(file)
    documents = {document.doc_id for document in collections.iterate_documents(config.study.collection.train)}
    runs = {}
    for source, file in spec.files.items():
        if not queries.keys() & SPLITS_OF[source]:  # a further set has dev queries alone
            continue
        run = read_given_run(file.path, file.format, _depth(config))
        known = all_query_ids(config.study.collection, source)
        lines = results(file.path, file.format)
        check_ids(run, file.path, queries=known, documents=documents, lines=lines)
        run = _allowed(config, run)
        # The ranks of other formats are what decides.
        read_ranks = file.format == "trec" and file.path.suffix != ".zip"
        contradicting = contradicting_queries(file.path) if read_ranks else set()
        for split in queries.keys() & SPLITS_OF[source]:
            runs[split] = run[run["query_id"].isin(queries[split].keys())]
            facts = run_facts(runs[split], queries[split], split, contradicting)
            _check_given(config, spec, file, facts, places=min(config.study.depth, len(documents)))
    return runs


def _check_given(config: Configuration, spec: GivenRuns, file: RunFile, facts: RunFacts, places: int) -> None:
    """Say what a given run covers; refuse one that fills too few of the places that each query has."""
    print(f"{file.path}: {facts.sentence()}", file=sys.stderr)
    if facts.split == "validation":  # `sirbench tune` alone needs these
        return
    if not facts.covered:
        raise InputError(f"{file.path}: has none of the {facts.queries} {facts.split} queries of the study")
    if (filled := facts.filled(places)) < spec.least_filled:
        raise InputError(
            f"{file.path}: {facts.sentence()}; that fills {filled:.1%} of {places} places for each query, "
            f"and `least_filled` of these candidates in config/studies/{config.name}.yaml asks for "
            f"{spec.least_filled:.0%}: lower it where this is meant"
        )


def _depth(config: Configuration) -> int:
    """How many documents a query needs, so that the study's depth is left without itself."""
    return config.study.depth + config.study.collection.exclude_self


def _allowed(config: Configuration, run: pd.DataFrame) -> pd.DataFrame:
    """The run without the queries themselves, where the study excludes them."""
    return without_self(run, config.study.depth) if config.study.collection.exclude_self else run
