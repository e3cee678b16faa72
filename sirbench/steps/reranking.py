"""Verb `rerank`: a cell's scores of the candidates of a split, as a TREC run, and where they come from."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.data.collections import load_queries
from sirbench.data.runs import COLUMNS, read_run, write_run
from sirbench.data.tokens import TokenPairs, TokenStore, tokenize_texts
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.evaluation.reranking import rerank
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Evaluation
from sirbench.jobs.folds import queries_of_fold
from sirbench.jobs.held_out import check_validation
from sirbench.jobs.job import model_of
from sirbench.jobs.layout import Layout
from sirbench.machine import provenance
from sirbench.machine.atomic import atomic_file
from sirbench.machine.device import claim_device, describe_device
from sirbench.machine.errors import InputError
from sirbench.reporting.ir_metadata import describe_run, run_tag

logger = logging.getLogger(__name__)

NEEDED = ("inputs", "study_sha256", "machine", "device", "seconds", "gpu_seconds")
"""What a run's metadata repeats of the provenance of its model."""


def rerank_cell(config: Configuration, cell: Cell) -> None:
    """Re-rank the dev candidates with a cell's model: the run, and its metadata.

    Both are there but say nothing where training has diverged: the run has no line.
    """
    if cell.diverged:
        write_metadata({"tag": run_tag(cell), "diverged": cell.diverged}, cell)
        write_run(_no_ranking(cell), cell.run, tag=run_tag(cell))
        return
    candidates = config.layout.candidates(cell.candidates, "dev")
    inputs = {"candidates": candidates, "model": model_of(config, cell)}
    started = time.monotonic()
    reranked, spent = _rerank(config, cell, cell.candidates)
    seconds = time.monotonic() - started
    spent |= {"seconds": seconds, "gpu_seconds": 0.0 if spent["device"] == "cpu" else seconds}
    done = {"machine": provenance.machine(), "inputs": provenance.checksums(inputs), **spent}
    trained = provenance.read_provenance(cell.provenance, NEEDED)
    write_metadata(describe_run(config, cell, trained, done), cell)
    write_run(reranked, cell.run, tag=run_tag(cell))


def rerank_further(config: Configuration, evaluation: Evaluation) -> None:
    """Re-rank other candidates with a cell's model, or those of a further set of queries: the run alone."""
    cell = evaluation.cell
    if cell.diverged:
        run = _no_ranking(cell)
    else:
        run, _ = _rerank(config.at(evaluation.on), cell, evaluation.candidates)
    write_run(run, evaluation.run, tag=run_tag(cell))


def rerank_validation(config: Configuration, cell: Cell) -> None:
    """Re-rank the candidates of the validation queries: the run alone, which nobody gets."""
    check_validation(config)
    if read_run(given := Layout(config.name).candidates(cell.candidates, "validation")).empty:
        raise InputError(f"{given}: empty: the given run of training queries has no validation query")
    run = _no_ranking(cell) if cell.diverged else _rerank(config, cell, cell.candidates, "validation")[0]
    write_run(run, cell.validation_run, tag=run_tag(cell))


def _no_ranking(cell: Cell) -> pd.DataFrame:
    logger.warning("%s: training diverged (%s): there is no ranking", cell.name, cell.diverged)
    return pd.DataFrame(columns=COLUMNS)


def write_metadata(metadata: Mapping[str, Any], cell: Cell) -> None:
    """Write where a cell's run comes from."""
    with atomic_file(cell.run_metadata) as temporary:
        text = yaml.safe_dump(dict(metadata), sort_keys=False, allow_unicode=True, width=110)
        temporary.write_text(text, encoding="utf-8")


def _rerank(
    config: Configuration, cell: Cell, candidates: str, split: str = "dev"
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The run, and the device that scored it."""
    compute = config.study.compute
    run = read_run(config.layout.candidates(candidates, split), config.study.depth)
    if (of_fold := queries_of_fold(cell)) is not None:
        run = run[run["query_id"].isin(of_fold)].reset_index(drop=True)
    with claim_device(compute.gpus, compute.threads) as device:
        encoder = CrossEncoder(
            load_model(model_of(config, cell), int(cell.seed)).to(device),
            _pairs(config, cell, split),
            chunk_tokens=compute.chunk_tokens,
            precision=compute.precision,
            input=config.study.input,
        )
        return rerank(encoder, run, name=f"re-rank {cell.name}"), describe_device(device)


def _pairs(config: Configuration, cell: Cell, split: str) -> TokenPairs:
    """The tokens. Validation queries are in no store: to trainings it would be another one with them."""
    layout = config.layout
    store = TokenStore(config.tokens(cell.backbone))
    if split == "dev":
        return store
    queries, tokenizer = load_queries(layout.queries(split)), load_tokenizer(layout.backbone(cell.backbone))
    texts = tokenize_texts(tokenizer, queries.values(), config.study.input.max_query_tokens)
    return store.with_queries(dict(zip(queries, texts, strict=True)))
