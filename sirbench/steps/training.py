"""Verbs `train` and `train-level`: one training job, from its recipe to a model and where it comes from."""

import shutil
import time
from pathlib import Path

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.data import collections
from sirbench.data.runs import read_run, write_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.blocks import TrainingQuery, training_queries
from sirbench.fine_tuning.self_involvement import keep_hardest_of_all, score_input
from sirbench.fine_tuning.task import FineTuning
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Compressor
from sirbench.jobs.job import Job, compressor_of, job_of_cell, level_named, made_as, training_of
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import embedded_cells
from sirbench.machine.atomic import atomic_folder
from sirbench.machine.device import claim_device
from sirbench.machine.provenance import checksums, digest
from sirbench.training import MIDDLE, distributed
from sirbench.training.checkpoint import fingerprint
from sirbench.training.ending import finish
from sirbench.training.loop import train


def train_cell(config: Configuration, cell: Cell) -> None:
    """Train a cell's model into the cell's folder, with the model of the middle where a figure asks for it.

    The checkpoint stays until the cell is measured.
    """
    # Should re-ranking fail later on, no measures of another model must pass for this one's.
    cell.per_query.unlink(missing_ok=True)
    _train(config, job_of_cell(config, cell), cell)


def train_level(config: Configuration, compressor: Compressor) -> None:
    """Train a compressor of V1 and V2, and score its whole input with it."""
    _train(config, level_named(compressor.level, config), compressor)


def start_of(cell: Cell | Compressor, job: Job) -> Path:
    """The checkpoint that a job starts from: the backbone, or the level before."""
    if job.weights_from:
        return compressor_of(cell, job.weights_from).model
    return Layout(cell.study).backbone(cell.backbone)


def _train(config: Configuration, job: Job, trained: Cell | Compressor) -> None:
    study, layout, seed = config.study, Layout(config.name), int(trained.seed)
    keep_middle = trained in embedded_cells(config)
    inputs = _inputs(job, trained)
    settings = {**made_as(job, study), "seed": seed, "inputs": checksums(inputs)}
    with claim_device(study.compute.gpus, study.compute.threads) as device, distributed.joined(device):
        store = TokenStore(inputs["tokens"])
        encoder = CrossEncoder(
            load_model(inputs["start"], seed).to(device),
            store,
            chunk_tokens=study.compute.chunk_tokens,
            precision=study.compute.precision,
        )
        queries = _training_queries(job, inputs, study.depth, store)
        task = FineTuning(
            name=trained.name,
            model=encoder.model,
            encoder=encoder,
            queries=queries,
            strategy=job.strategy,
            settings=training_of(job, study),
            epochs=job.epochs,
            seed=seed,
            folder=trained.checkpoint,
            # A job that has gone beyond its middle without keeping it has to start anew.
            fingerprint=fingerprint(settings | {"keep_middle": keep_middle}, study.compute),
            level=job.level,
            keep_middle=keep_middle,
            gradient=study.compute.gradient,
        )
        progress = train(task)
        if distributed.rank() > 0:
            return
        if isinstance(trained, Compressor):
            started = time.monotonic()
            scored = score_input(encoder, queries, job.strategy.levels[0], seed)
            write_run(scored, trained.scored, tag=job.name)
            progress = progress._replace(seconds=progress.seconds + time.monotonic() - started)
        task.selection.finish(trained.selection)
        if isinstance(trained, Cell) and keep_middle:
            with atomic_folder(trained.middle) as middle:
                shutil.copytree(trained.checkpoint / MIDDLE, middle, dirs_exist_ok=True)

        def save(folder: Path) -> None:
            encoder.model.save_pretrained(folder)
            load_tokenizer(layout.backbone(trained.backbone)).save_pretrained(folder)

        finish(trained, progress, device, _made_from(config, trained) | settings, save)
        # A cell's goes when it is measured. On a cluster that is the same job: should it fail after this,
        # Snakemake deletes the model, and the next attempt has it again from the checkpoint, without a step.
        if isinstance(trained, Compressor):
            shutil.rmtree(trained.checkpoint)


def _made_from(config: Configuration, trained: Cell | Compressor) -> dict[str, object]:
    """What the provenance says of the study and the name of the model."""
    return {
        "study": config.name,
        "study_sha256": digest(config.study.model_dump(mode="json")),
        "compute": config.study.compute.model_dump(),
        "candidates": trained.candidates,
        "backbone": trained.backbone,
        "name": trained.recipe if isinstance(trained, Cell) else trained.level,
    }


def _inputs(job: Job, trained: Cell | Compressor) -> dict[str, Path]:
    """Every file and folder that the trained model depends on."""
    layout = Layout(trained.study)
    inputs = {
        "queries": layout.queries("train"),
        "qrels": layout.qrels("train"),
        "candidates": layout.candidates(trained.candidates, "train"),
        "tokens": layout.tokens(trained.backbone),
        "start": start_of(trained, job),
    }
    if job.negatives_from:
        inputs["negatives"] = compressor_of(trained, job.negatives_from).scored
    return inputs


def _training_queries(
    job: Job, inputs: dict[str, Path], depth: int, store: TokenStore
) -> list[TrainingQuery]:
    ids = list(collections.load_queries(inputs["queries"]))
    qrels = collections.load_qrels(inputs["qrels"])
    queries = training_queries(ids, qrels, read_run(inputs["candidates"], depth), store)
    if job.negatives_from:
        scored = read_run(inputs["negatives"])
        queries = keep_hardest_of_all(queries, scored, store, job.strategy.levels[0])
    return queries
