"""Step `train-first-stage`: what a first stage that learns has learned, its record and provenance."""

import shutil

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.config import Configuration
from sirbench.data import collections
from sirbench.data.tokens import TokenStore
from sirbench.firststage import Learning, first_stage, options_of
from sirbench.jobs.layout import Layout
from sirbench.machine import provenance
from sirbench.machine.atomic import atomic_file, atomic_folder
from sirbench.machine.device import claim_device, describe_device
from sirbench.study import FirstStage


def train_first_stage(config: Configuration, name: str) -> None:
    """Train the first stage of these candidates into `learned/`; started again after a kill, it resumes."""
    study, layout, spec = config.study, Layout(config.name), config.study.candidates[name]
    assert isinstance(spec, FirstStage) and spec.backbone is not None, name
    folder, dataset = layout.learned(name), study.collection.train
    start = layout.learned(spec.start) / "model" if spec.start else layout.backbone(spec.backbone)
    queries = collections.read_queries(dataset, spec.training.queries)
    qrels = collections.read_qrels(dataset)
    relevant = qrels[(qrels["relevance"] > 0) & qrels["query_id"].isin(queries.keys())]
    inputs = {
        "collection": layout.collection,
        "start": start / "model.safetensors",
        "tokens": layout.tokens(spec.backbone) / "documents.tokens",
    }
    settings = {
        "first_stage": spec.training_settings(),
        "input": study.input.model_dump(),
        "inputs": provenance.checksums(inputs),
    }
    with claim_device(min(1, study.compute.gpus), study.compute.threads) as device:
        learning = Learning(
            name=f"first stage {name}",
            documents=lambda: collections.iterate_documents(dataset),
            queries=queries,
            positives=relevant.groupby("query_id", sort=False)["doc_id"].agg(list).to_dict(),
            start=start,
            store=TokenStore(layout.tokens(spec.backbone)),
            input=study.input,
            settings=spec.training,
            compute=study.compute,
            device=device,
            folder=folder / "checkpoint",
            fingerprint=provenance.digest(settings),
        )
        module = first_stage(spec.first_stage)
        model, progress = module.train(learning, **options_of(module.train, spec.options))
        with atomic_file(folder / "train.jsonl") as temporary:
            shutil.copyfile(learning.folder / "train.jsonl", temporary)
        with atomic_folder(folder / "model") as temporary:
            model.save_pretrained(temporary)
            load_tokenizer(start).save_pretrained(temporary)
        gpu_seconds = progress.seconds if device.type == "cuda" else 0.0
        spent = {"seconds": progress.seconds, "gpu_seconds": gpu_seconds, **describe_device(device)}
        spent |= {"training_queries": len(queries)}
        names = {"study": config.name, "candidates": name}
        provenance.write_provenance(folder / "provenance.json", names | settings | spent)
        shutil.rmtree(learning.folder)
