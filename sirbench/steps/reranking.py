"""Step `rerank`: a cell's scores of the dev candidates, as a TREC run, and where they come from."""

import json
import time
from pathlib import Path

import yaml

from sirbench.backbones.checkpoint import load_model
from sirbench.config import Configuration
from sirbench.data.runs import read_run, write_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.evaluation.reranking import rerank
from sirbench.jobs.layout import Layout
from sirbench.machine import provenance
from sirbench.machine.atomic import atomic_file
from sirbench.machine.device import claim_device, describe_device
from sirbench.reporting.ir_metadata import describe_run, run_tag


def rerank_cell(config: Configuration, candidates: str, backbone: str, recipe: str, seed: int) -> None:
    """Re-rank the dev candidates with a cell's model: `run.trec.gz`, and `run.ir_metadata.yaml`."""
    layout, compute = Layout(config.name), config.study.compute
    folder = layout.cell(candidates, backbone, recipe, seed)
    inputs = {
        "candidates": layout.candidates(candidates, "dev"),
        "model": folder / "model" / "model.safetensors",
    }
    run = read_run(inputs["candidates"], config.study.depth)
    started = time.monotonic()
    with claim_device(compute.gpus, compute.threads) as device:
        encoder = CrossEncoder(
            load_model(folder / "model", seed).to(device),
            TokenStore(layout.tokens(backbone)),
            chunk_tokens=compute.chunk_tokens,
            precision=compute.precision,
        )
        reranked = rerank(encoder, run, name=f"re-rank {candidates}/{backbone}/{recipe}/seed{seed}")
        spent = describe_device(device)
    seconds = time.monotonic() - started
    spent |= {"seconds": seconds, "gpu_seconds": 0.0 if spent["device"] == "cpu" else seconds}
    done = {"machine": provenance.machine(), "inputs": provenance.checksums(inputs), **spent}
    trained = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    metadata = describe_run(config, (candidates, backbone, recipe, seed), trained, done)
    _write(folder / "run.ir_metadata.yaml", metadata)
    write_run(reranked, folder / "run.trec.gz", tag=run_tag(recipe, seed))


def _write(path: Path, metadata: dict) -> None:
    with atomic_file(path) as temporary:
        text = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=110)
        temporary.write_text(text, encoding="utf-8")
