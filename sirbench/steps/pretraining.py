"""Verbs `tokenize-corpus` and `pretrain-backbone`: a corpus in tokens, and a backbone trained on it."""

import shutil
from pathlib import Path

from tqdm import tqdm

from sirbench.backbones.checkpoint import check_checkpoint, load_model, load_tokenizer
from sirbench.backbones.corpora import pages
from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store
from sirbench.backbones.objectives import Material, objective, reads_queries
from sirbench.backbones.pretraining import Pretraining, SharedModel
from sirbench.data import collections
from sirbench.data.sources import check_sources
from sirbench.data.tokens import pair_template
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.held_out import held_out, held_out_inputs
from sirbench.jobs.layout import Layout
from sirbench.jobs.pretraining import corpora, corpus_name, pretrained, pretraining_settings
from sirbench.machine.device import claim_device
from sirbench.machine.lease import lease
from sirbench.machine.provenance import checksums
from sirbench.training.checkpoint import fingerprint
from sirbench.training.ending import finish
from sirbench.training.loop import train


def tokenize_corpus(config: Configuration, name: str) -> None:
    """Write the store of a corpus that backbones of the study are pre-trained on."""
    study, layout = config.study, Layout(config.name)
    root, corpus = corpora(study)[name]
    if corpus.source == "collection":
        check_sources(study.collection, layout.collection)
    everything = tqdm(
        pages(corpus, study.collection, study.compute.threads), f"corpus {name}", unit=" pages", delay=2
    )
    build_corpus_store(layout.corpus(name), load_tokenizer(layout.backbone(root)), everything)


def pretrain_backbone(config: Configuration, name: str) -> None:
    """Train a backbone from the one that it starts from; started again after a kill, it resumes."""
    study, layout, spec = config.study, Layout(config.name), pretrained(config.study)[name]
    record, start, corpus = (
        layout.pretraining(name),
        layout.backbone(spec.start),
        layout.corpus(corpus_name(study, name)),
    )
    inputs = {"start": start, "corpus": corpus, "collection": layout.collection}
    if reads_queries(spec):
        check_sources(study.collection, layout.collection)
        inputs |= held_out_inputs(config)
    settings = {**pretraining_settings(study, name), "inputs": checksums(inputs)}
    with (
        lease(record.folder, f"pretrain-backbone {name}"),
        claim_device(min(1, study.compute.gpus), study.compute.threads) as device,
    ):
        tokenizer, model = load_tokenizer(start), load_model(start, spec.seed).to(device)
        tokens = study.pretraining_input(name)
        material = Material(
            model=model,
            start=start,
            tokenizer=tokenizer,
            template=pair_template(tokenizer, tokens.max_tokens),
            corpus=CorpusStore(corpus),
            queries=lambda: collections.query_texts(study.collection.train, without=held_out(config)),
            max_query_tokens=tokens.max_query_tokens,
            batch=spec.batch,
            negatives=spec.negatives,
            seed=spec.seed,
            compute=study.compute,
        )
        objectives = {each: objective(spec, each).on(material) for each in spec.objectives}
        task = Pretraining(
            name=f"backbone {name}",
            model=SharedModel(model, objectives).to(device),
            settings=spec.training,
            folder=record.checkpoint,
            fingerprint=fingerprint(settings, study.compute),
            spec=spec,
        )
        progress = train(task)

        def save(folder: Path) -> None:
            task.model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            check_checkpoint(folder)

        names = {"study": config.name, "backbone": name, "corpus": material.corpus.sizes}
        finish(record, progress, device, names | settings, save)
        shutil.rmtree(record.checkpoint)
