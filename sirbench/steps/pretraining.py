"""Steps `tokenize-corpus` and `pretrain-backbone`: a corpus in tokens, and a backbone trained on it."""

import shutil

from tqdm import tqdm

from sirbench.backbones.checkpoint import check_checkpoint, load_model, load_tokenizer
from sirbench.backbones.corpora import pages
from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store
from sirbench.backbones.objectives import Material, objective
from sirbench.backbones.pretraining import Pretraining, SharedModel
from sirbench.config import Configuration
from sirbench.data import collections
from sirbench.data.tokens import pair_template
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.machine import provenance
from sirbench.machine.atomic import atomic_file, atomic_folder
from sirbench.machine.device import claim_device, describe_device
from sirbench.study import PretrainedBackbone
from sirbench.training.loop import train


def tokenize_corpus(config: Configuration, name: str) -> None:
    """Write the store of a corpus that backbones of the study are pre-trained on."""
    study, layout = config.study, Layout(config.name)
    root, corpus = plan.corpora(study)[name]
    everything = tqdm(
        pages(corpus, study.collection, study.compute.threads), f"corpus {name}", unit=" pages", delay=2
    )
    build_corpus_store(layout.corpus(name), load_tokenizer(layout.backbone(root)), everything)


def pretrain_backbone(config: Configuration, name: str) -> None:
    """Train a backbone from the one that it starts from; started again after a kill, it resumes."""
    study, layout, spec = config.study, Layout(config.name), config.study.backbones[name]
    assert isinstance(spec, PretrainedBackbone), name
    record, start, store = (
        layout.pretraining(name),
        layout.backbone(spec.start),
        plan.corpus_name(study, name),
    )
    inputs = {
        "start": start / "model.safetensors",
        "words": layout.corpus(store) / "words",
        "links": layout.corpus(store) / "links.npy",
    }
    settings = {
        **plan.pretraining_settings(study, name),
        "inputs": provenance.checksums(inputs),
    }
    with claim_device(min(1, study.compute.gpus), study.compute.threads) as device:
        tokenizer, model = load_tokenizer(start), load_model(start, spec.seed).to(device)
        tokens = study.pretraining_input(name)
        material = Material(
            model=model,
            start=start,
            tokenizer=tokenizer,
            template=pair_template(tokenizer, tokens.max_tokens),
            corpus=CorpusStore(layout.corpus(store)),
            queries=lambda: collections.query_texts(study.collection.train),
            max_query_tokens=tokens.max_query_tokens,
            batch=spec.batch,
            negatives=spec.negatives,
            seed=spec.seed,
            compute=study.compute,
        )
        objectives = {
            each: objective(each, material, **spec.options.get(each, {})) for each in spec.objectives
        }
        task = Pretraining(
            name=f"backbone {name}",
            model=SharedModel(model, objectives).to(device),
            settings=spec.training,
            folder=record / "checkpoint",
            fingerprint=provenance.digest(settings | {"compute": study.compute.arithmetic}),
            spec=spec,
        )
        progress = train(task)
        with atomic_file(record / "train.jsonl") as temporary:
            shutil.copyfile(task.folder / "train.jsonl", temporary)
        with atomic_folder(layout.backbone(name)) as temporary:
            task.model.save_pretrained(temporary)
            tokenizer.save_pretrained(temporary)
            check_checkpoint(temporary)
        gpu_seconds = progress.seconds if device.type == "cuda" else 0.0
        spent = {"seconds": progress.seconds, "gpu_seconds": gpu_seconds, **describe_device(device)}
        spent |= {"corpus": material.corpus.sizes}
        names = {"study": config.name, "backbone": name}
        provenance.write_provenance(record / "provenance.json", names | settings | spent)
        shutil.rmtree(task.folder)
