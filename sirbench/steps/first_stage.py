"""Verb `train-first-stage`: the training of a first stage that learns, to a model and where it comes from."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.data import collections
from sirbench.data.runs import without_self
from sirbench.data.sources import check_sources
from sirbench.data.tokens import TokenStore
from sirbench.firststage import Learning, learner, training_settings
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.held_out import held_out, held_out_inputs
from sirbench.jobs.job import FIRST_STAGE
from sirbench.jobs.layout import Layout
from sirbench.machine.device import claim_device
from sirbench.machine.lease import lease
from sirbench.machine.provenance import checksums, digest
from sirbench.study import AnyCollection, FirstStage
from sirbench.training.checkpoint import fingerprint
from sirbench.training.ending import finish


def train_first_stage(config: Configuration, name: str) -> None:
    """Train the first stage of these candidates; started again after a kill, it resumes."""
    study, layout, spec = config.study, Layout(config.name), config.study.candidates[name]
    assert isinstance(spec, FirstStage) and spec.backbone is not None, name
    check_sources(study.collection, layout.collection)
    learned, dataset = layout.learned(name), study.collection.train
    start = layout.learned(spec.start).model if spec.start else layout.backbone(spec.backbone)
    without = held_out(config)
    asked = {name: text for name, text in collections.read_queries(dataset).items() if name not in without}
    queries = collections.limited(asked, spec.training.queries)
    store = TokenStore(layout.tokens(spec.backbone))
    positives = _positives(study.collection, queries, store)
    queries = {query: text for query, text in queries.items() if query in positives}
    inputs = {"collection": layout.collection, "start": start, "tokens": layout.tokens(spec.backbone)}
    inputs |= held_out_inputs(config)
    settings = {
        "method": FIRST_STAGE,
        "first_stage": training_settings(spec),
        "input": study.input.model_dump(),
        "inputs": checksums(inputs) | {"queries": digest([queries, positives])},
    }
    with (
        lease(learned.folder, f"train-first-stage {name}"),
        claim_device(min(1, study.compute.gpus), study.compute.threads) as device,
    ):
        learning = Learning(
            name=f"first stage {name}",
            documents=lambda: collections.iterate_documents(dataset),
            queries=queries,
            positives=positives,
            start=start,
            store=store,
            input=study.input,
            settings=spec.training,
            compute=study.compute,
            device=device,
            folder=learned.checkpoint,
            fingerprint=fingerprint(settings, study.compute),
            exclude_self=study.collection.exclude_self,
        )
        model, progress = learner(spec).train(learning)

        def save(folder: Path) -> None:
            model.save_pretrained(folder)
            load_tokenizer(start).save_pretrained(folder)

        names = {"study": config.name, "candidates": name, "training_queries": len(queries)}
        finish(learned, progress, device, names | settings, save)
        shutil.rmtree(learned.checkpoint)


def _positives(
    collection: AnyCollection, queries: Mapping[str, str], store: TokenStore
) -> dict[str, list[str]]:
    """The judged-positive documents of each of the queries that has any which it may be trained on."""
    qrels = collections.read_qrels(collection.train)
    if collection.exclude_self:
        qrels = without_self(qrels)
    if collection.incomplete:
        qrels = qrels[qrels["doc_id"].isin(store.documents.ids)]
    relevant = qrels[(qrels["relevance"] > 0) & qrels["query_id"].isin(queries.keys())]
    judged = relevant.groupby("query_id", sort=False)["doc_id"].agg(list)
    return {str(query): list(documents) for query, documents in judged.items()}
