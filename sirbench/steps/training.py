"""Steps `train` and `train-level`: one training job, from a plan to a model, its record and provenance."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.config import Configuration
from sirbench.data import collections
from sirbench.data.runs import read_run, sort_run, write_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.blocks import TrainingQuery, draw_block, keep_hardest, training_queries
from sirbench.fine_tuning.task import FineTuning
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.machine import provenance
from sirbench.machine.atomic import atomic_file, atomic_folder
from sirbench.machine.device import claim_device, describe_device
from sirbench.strategies import STEPS, Options
from sirbench.training import distributed
from sirbench.training.loop import train


def train_cell(config: Configuration, candidates: str, backbone: str, recipe: str, seed: int) -> None:
    """Train a cell's model into the cell's folder; with `middle/` where a figure asks for it.

    The checkpoint stays until the cell is measured.
    """
    job = plan.plan(config.recipes[recipe], config.study)
    folder = Layout(config.name).cell(candidates, backbone, recipe, seed)
    name = f"{candidates}/{backbone}/{recipe}/seed{seed}"
    # Should re-ranking fail later on, no measures of another model must pass for this one's.
    (folder / "per_query.csv").unlink(missing_ok=True)
    keep_middle = (candidates, backbone, recipe, seed) in plan.embedded_cells(config)
    _train(config, job, candidates, backbone, seed, folder, name, keep_middle)


def train_level(config: Configuration, candidates: str, backbone: str, level: str, seed: int) -> None:
    """Train a compressor of V1 and V2, and score its whole input with it (`scored.trec.gz`)."""
    job = plan.level_named(level, config)
    folder = Layout(config.name).level(candidates, backbone, level, seed)
    _train(config, job, candidates, backbone, seed, folder, f"{candidates}/{backbone}/{level}/seed{seed}")


def _train(
    config: Configuration,
    job: plan.Job,
    candidates: str,
    backbone: str,
    seed: int,
    folder: Path,
    name: str,
    keep_middle: bool = False,
) -> None:
    study, layout = config.study, Layout(config.name)
    inputs = _inputs(layout, job, candidates, backbone, seed)
    settings = {
        **plan.made_as(job, study),
        "seed": seed,
        "inputs": provenance.checksums(inputs),
    }
    with claim_device(study.compute.gpus, study.compute.threads) as device, distributed.joined(device):
        encoder = CrossEncoder(
            load_model(inputs["start"].parent, seed).to(device),
            TokenStore(layout.tokens(backbone)),
            chunk_tokens=study.compute.chunk_tokens,
            precision=study.compute.precision,
        )
        queries = _training_queries(layout, job, inputs, study.depth, encoder.store)
        task = FineTuning(
            name=name,
            model=encoder.model,
            encoder=encoder,
            queries=queries,
            step_function=STEPS[job.step],
            options=_options(job),
            settings=study.training,
            epochs=job.epochs,
            seed=seed,
            folder=folder / "checkpoint",
            # A job that has gone beyond its middle without keeping it has to start anew, and so has one whose
            # next steps would be computed otherwise than those before.
            fingerprint=provenance.digest(
                settings | {"keep_middle": keep_middle, "compute": study.compute.arithmetic}
            ),
            fixed_blocks=job.fixed_blocks,
            level=job.level,
            keep_middle=keep_middle,
            gradient="cached" if study.compute.gradient_cache else "kept",
        )
        progress = train(task)
        if distributed.rank() > 0:
            return
        seconds, is_level = progress.seconds, folder.parent.name == job.name
        if is_level:
            started = time.monotonic()
            scored = _score_input(encoder, queries, job.sizes[0], seed)
            seconds += time.monotonic() - started
            write_run(scored, folder / "scored.trec.gz", tag=job.name)
        with atomic_file(folder / "train.jsonl") as temporary:
            shutil.copyfile(task.folder / "train.jsonl", temporary)
        task.selection.finish(folder / "selection.parquet")
        if keep_middle:
            with atomic_folder(folder / "middle") as middle:
                shutil.copytree(task.folder / "middle", middle, dirs_exist_ok=True)
        with atomic_folder(folder / "model") as model:
            encoder.model.save_pretrained(model)
            load_tokenizer(layout.backbone(backbone)).save_pretrained(model)
        names = {"candidates": candidates, "backbone": backbone, "name": folder.parent.name}
        _write_provenance(folder, config, names | settings, seconds, device)
        # A cell's goes when it is measured. On a cluster that is the same job: should it fail after this,
        # Snakemake deletes the model, and the next attempt has it again from the checkpoint, without a step.
        if is_level:
            shutil.rmtree(task.folder)


def _write_provenance(
    folder: Path, config: Configuration, what: dict[str, Any], seconds: float, device: torch.device
) -> None:
    """Say beside the model what it was made from, where, and how long it took."""
    study = {
        "study": config.name,
        "study_sha256": provenance.digest(config.study.model_dump(mode="json")),
        "compute": config.study.compute.model_dump(),
    }
    workers = distributed.workers()
    spent = {
        "seconds": seconds,
        "gpu_seconds": seconds * workers if device.type == "cuda" else 0.0,
        "workers": workers,
        **describe_device(device),
    }
    provenance.write_provenance(folder / "provenance.json", {**study, **what, **spent})


def start_folder(layout: Layout, job: plan.Job, candidates: str, backbone: str, seed: int) -> Path:
    """The checkpoint that a job starts from: the backbone, or the level before."""
    if job.weights_from:
        return layout.level(candidates, backbone, job.weights_from.name, seed) / "model"
    return layout.backbone(backbone)


def _inputs(layout: Layout, job: plan.Job, candidates: str, backbone: str, seed: int) -> dict[str, Path]:
    """Every file that the trained model depends on."""
    inputs = {
        "queries": layout.queries("train"),
        "qrels": layout.qrels("train"),
        "candidates": layout.candidates(candidates, "train"),
        "tokens": layout.tokens(backbone) / "documents.tokens",
        "start": start_folder(layout, job, candidates, backbone, seed) / "model.safetensors",
    }
    if job.negatives_from:
        compressor = layout.level(candidates, backbone, job.negatives_from.name, seed)
        inputs["negatives"] = compressor / "scored.trec.gz"
    return inputs


def _training_queries(
    layout: Layout, job: plan.Job, inputs: dict[str, Path], depth: int, store: TokenStore
) -> list[TrainingQuery]:
    ids = list(collections.load_queries(inputs["queries"]))
    qrels = collections.load_qrels(inputs["qrels"])
    queries = training_queries(ids, qrels, read_run(inputs["candidates"], depth), store)
    if job.negatives_from:
        scored = read_run(inputs["negatives"])
        rows = store.documents.rows(scored["doc_id"].to_numpy())
        scores = pd.Series(scored["score"].to_numpy(), index=[scored["query_id"], rows])
        by_query = {query: dict(values.droplevel(0).items()) for query, values in scores.groupby(level=0)}
        queries = [keep_hardest(query, by_query.get(query.id, {}), job.sizes[0]) for query in queries]
    return queries


def _options(job: plan.Job) -> Options:
    return Options(
        sizes=job.sizes,
        selection=job.selection,
        loss=job.loss,
        loss_levels=job.loss_levels,
        cpr=job.cpr or "",
        forward=job.forward,
    )


def _score_input(
    encoder: CrossEncoder, queries: Sequence[TrainingQuery], size: int, seed: int
) -> pd.DataFrame:
    """The run of a compressor over the negatives that it was trained on (self-involvement: Eq. 4)."""
    encoder.model.eval()
    parts = []
    for query in tqdm(queries, "score the negatives", unit="query"):
        block = draw_block(query, size, seed, epoch=0, fixed=True)
        documents = block.documents[1:]
        scores = encoder.score(documents * 0 + query.row, documents)
        ids = encoder.store.documents.ids[documents]
        parts.append(pd.DataFrame({"query_id": query.id, "doc_id": ids, "score": scores.double().cpu()}))
    return sort_run(pd.concat(parts, ignore_index=True))
