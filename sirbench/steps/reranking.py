"""Verb `rerank`: a cell's scores of the dev candidates, as a TREC run, and where they come from."""

import time

import yaml

from sirbench.backbones.checkpoint import load_model
from sirbench.data.runs import read_run, write_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.evaluation.reranking import rerank
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell
from sirbench.jobs.layout import Layout
from sirbench.machine import provenance
from sirbench.machine.atomic import atomic_file
from sirbench.machine.device import claim_device, describe_device
from sirbench.reporting.ir_metadata import describe_run, run_tag

NEEDED = ("inputs", "study_sha256", "machine", "device", "seconds", "gpu_seconds")
"""What a run's metadata repeats of the provenance of its model."""


def rerank_cell(config: Configuration, cell: Cell) -> None:
    """Re-rank the dev candidates with a cell's model: the run, and its metadata."""
    layout, compute = Layout(config.name), config.study.compute
    inputs = {"candidates": layout.candidates(cell.candidates, "dev"), "model": cell.model}
    run = read_run(inputs["candidates"], config.study.depth)
    started = time.monotonic()
    with claim_device(compute.gpus, compute.threads) as device:
        encoder = CrossEncoder(
            load_model(cell.model, int(cell.seed)).to(device),
            TokenStore(layout.tokens(cell.backbone)),
            chunk_tokens=compute.chunk_tokens,
            precision=compute.precision,
        )
        reranked = rerank(encoder, run, name=f"re-rank {cell.name}")
        spent = describe_device(device)
    seconds = time.monotonic() - started
    spent |= {"seconds": seconds, "gpu_seconds": 0.0 if spent["device"] == "cpu" else seconds}
    done = {"machine": provenance.machine(), "inputs": provenance.checksums(inputs), **spent}
    trained = provenance.read_provenance(cell.provenance, NEEDED)
    metadata = describe_run(config, cell, trained, done)
    with atomic_file(cell.run_metadata) as temporary:
        text = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=110)
        temporary.write_text(text, encoding="utf-8")
    write_run(reranked, cell.run, tag=run_tag(cell))
