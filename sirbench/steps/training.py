"""Verbs `train` and `train-level`: one training job, from its recipe to a model and where it comes from.

Training that diverges is a result too: all files are there, and the provenance says how under `diverged`.
"""

import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformers import PreTrainedModel

from sirbench.backbones.checkpoint import check_ranks, load_model, load_tokenizer
from sirbench.data import collections
from sirbench.data.runs import COLUMNS, read_run, write_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.blocks import TrainingQuery, training_queries
from sirbench.fine_tuning.selection_trace import SelectionTrace
from sirbench.fine_tuning.self_involvement import pass_through, score_input
from sirbench.fine_tuning.task import FineTuning
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Compressor
from sirbench.jobs.folds import queries_of_fold
from sirbench.jobs.job import Job, compressor_of, job_of_cell, level_named, made_as, training_of
from sirbench.jobs.kept import check_against_present, made_with
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import embedded_cells
from sirbench.machine.device import claim_device
from sirbench.machine.lease import lease
from sirbench.machine.manifest import recorded_folder
from sirbench.machine.provenance import checksums, digest, write_provenance
from sirbench.training import MIDDLE, STEP_LOG, distributed
from sirbench.training.checkpoint import Progress, fingerprint
from sirbench.training.ending import finish
from sirbench.training.guard import Diverged
from sirbench.training.loop import train

logger = logging.getLogger(__name__)

ADVICE = (
    "This is a result, and no other seed takes its place. A lower learning_rate may help: choose it on "
    "validation queries, for every recipe of the family alike."
)
"""What a user is told when training has diverged."""

BEFORE = "its compressor"
"""How the reason begins where it is that a job before this one diverged, which may be several jobs before."""


def train_cell(config: Configuration, cell: Cell) -> None:
    """Train a cell's model into the cell's folder, with the model of the middle where a figure asks for it.

    The checkpoint stays until the cell is measured. Where the recipe trains nothing, its provenance says so,
    and there is nothing else.
    """
    with lease(cell.folder, f"train {cell.name}"):
        # Should re-ranking fail later on, no measures of another model must pass for this one's.
        cell.per_query.unlink(missing_ok=True)
        shutil.rmtree(cell.further, ignore_errors=True)
        if config.trained[cell.recipe].trains:
            _train(config, job_of_cell(config, cell), cell)
        else:
            _record_backbone(config, cell)


def train_level(config: Configuration, compressor: Compressor) -> None:
    """Train a compressor of V1 and V2, and score its whole input with it."""
    with lease(compressor.folder, f"train-level {compressor.name}"):
        _train(config, level_named(compressor.level, config), compressor)


def start_of(cell: Cell | Compressor, job: Job) -> Path:
    """The checkpoint that a job starts from: the backbone, or the level before."""
    if job.weights_from:
        return compressor_of(cell, job.weights_from).model
    return Layout(cell.study).backbone(cell.backbone)


def _train(config: Configuration, job: Job, trained: Cell | Compressor) -> None:
    study, inputs = config.study, _inputs(job, trained)
    settings = {**made_as(job, study), "seed": int(trained.seed), "inputs": checksums(inputs)}
    settings |= {"fold": trained.fold} if trained.fold is not None else {}
    if isinstance(trained, Cell):
        check_against_present(config, trained, settings["inputs"], trained.folder)
    with claim_device(study.compute.gpus, study.compute.threads) as device, distributed.joined(device):
        if before := _diverged_before(job, trained):
            progress, model = Progress(step=0, seconds=0.0, diverged=before), None
        else:
            progress, model = _fit(config, job, trained, settings, inputs, device)
        if distributed.rank() > 0:
            return
        if before:
            _write_empty_record(trained.checkpoint)
        SelectionTrace(trained.checkpoint).finish(trained.selection)
        if isinstance(trained, Cell) and trained in embedded_cells(config):
            with recorded_folder(trained.middle) as middle:
                if (kept := trained.checkpoint / MIDDLE).exists():  # not where training diverged before
                    shutil.copytree(kept, middle, dirs_exist_ok=True)
        if isinstance(trained, Compressor) and progress.diverged:
            write_run(pd.DataFrame(columns=COLUMNS), trained.scored, tag=job.name)

        def save(folder: Path) -> None:
            backbone = Layout(config.name).backbone(trained.backbone)
            load_tokenizer(backbone).save_pretrained(folder)
            if model and (not progress.diverged or _is_finite(model)):
                model.save_pretrained(folder)
            else:
                shutil.copyfile(backbone / "config.json", folder / "config.json")

        finish(trained, progress, device, _made_from(config, trained) | settings, save)
        if progress.diverged:
            logger.warning("%s: diverged: %s. %s", trained.name, progress.diverged, ADVICE)
        # A cell's goes when it is measured. On a cluster that is the same job: should it fail after this,
        # Snakemake deletes the model, and the next attempt has it again from the checkpoint, without a step.
        if isinstance(trained, Compressor):
            shutil.rmtree(trained.checkpoint)


def _record_backbone(config: Configuration, cell: Cell) -> None:
    """The provenance of a cell that is not trained; InputError if its backbone has nothing to rank with."""
    job, layout = job_of_cell(config, cell), Layout(config.name)
    check_ranks(layout.backbone(cell.backbone))
    inputs = {"tokens": layout.tokens(cell.backbone), "start": layout.backbone(cell.backbone)}
    settings = {**made_as(job, config.study), "seed": int(cell.seed), "inputs": checksums(inputs)}
    check_against_present(config, cell, settings["inputs"], cell.folder)
    nothing = {"diverged": None, "seconds": 0.0, "gpu_seconds": 0.0, "device": "none"}
    write_provenance(cell.provenance, _made_from(config, cell) | settings | nothing)


def _fit(
    config: Configuration,
    job: Job,
    trained: Cell | Compressor,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Path],
    device: torch.device,
) -> tuple[Progress, PreTrainedModel]:
    """Train, to the end or until training diverges, and let a compressor score its input."""
    study, seed = config.study, int(trained.seed)
    store, keep_middle = TokenStore(inputs["tokens"]), trained in embedded_cells(config)
    encoder = CrossEncoder(
        load_model(inputs["start"], seed).to(device),
        store,
        chunk_tokens=study.compute.chunk_tokens,
        precision=study.compute.precision,
        input=study.input,
    )
    queries = _training_queries(job, trained, inputs, study.depth, store)
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
        fingerprint=fingerprint({**settings, "keep_middle": keep_middle}, study.compute),
        level=job.level,
        keep_middle=keep_middle,
        gradient=study.compute.gradient,
    )
    try:
        progress = train(task)
    except Diverged as diverged:
        return diverged.progress, encoder.model
    if isinstance(trained, Compressor) and distributed.rank() == 0:
        started = time.monotonic()
        fixed = job.strategy.blocks == "fixed"
        scored = score_input(encoder, queries, job.strategy.levels[0], seed, fixed=fixed)
        write_run(scored, trained.scored, tag=job.name)
        progress = progress._replace(seconds=progress.seconds + time.monotonic() - started)
    return progress, encoder.model


def _diverged_before(job: Job, trained: Cell | Compressor) -> str:
    """How a compressor diverged that this job builds on; "" where none did."""
    for compressor in (compressor_of(trained, needed) for needed in job.needs):
        if how := compressor.diverged:
            return how if how.startswith(BEFORE) else f"{BEFORE} {compressor.name} diverged: {how}"
    return ""


def _is_finite(model: PreTrainedModel) -> bool:
    return all(bool(weights.isfinite().all()) for weights in model.state_dict().values())


def _write_empty_record(checkpoint: Path) -> None:
    """The record of no step at all, in place of any that another attempt has left."""
    shutil.rmtree(checkpoint, ignore_errors=True)
    checkpoint.mkdir(parents=True)
    (checkpoint / STEP_LOG).touch()


def _made_from(config: Configuration, trained: Cell | Compressor) -> dict[str, object]:
    """What the provenance says of the study and the name of the model."""
    return {
        "study": config.name,
        "study_sha256": digest(config.study.model_dump(mode="json")),
        "compute": config.study.compute.model_dump(),
        "candidates": trained.candidates,
        "backbone": trained.backbone,
        **made_with(config.study, trained.candidates, trained.backbone),
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
        **({"folds": layout.folds} if trained.fold is not None else {}),
    }
    for compressor in job.selected_by:
        inputs[_selected_by(job, compressor)] = compressor_of(trained, compressor).scored
    return inputs


def _selected_by(job: Job, compressor: Job) -> str:
    """What a compressor's run is called among the inputs of a job that it selects for."""
    return "negatives" if compressor == job.negatives_from else f"negatives of level {compressor.level}"


def _training_queries(
    job: Job, trained: Cell | Compressor, inputs: Mapping[str, Path], depth: int, store: TokenStore
) -> list[TrainingQuery]:
    left_out = queries_of_fold(trained) or ()
    ids = [query_id for query_id in collections.load_queries(inputs["queries"]) if query_id not in left_out]
    qrels = collections.load_qrels(inputs["qrels"])
    queries = training_queries(ids, qrels, read_run(inputs["candidates"], depth), store)
    for compressor in job.selected_by:
        run = read_run(inputs[_selected_by(job, compressor)])
        queries = pass_through(queries, run, store, compressor.strategy.levels[0])
    return queries
