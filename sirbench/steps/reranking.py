"""Step `rerank`: a cell's scores of the dev candidates, as a TREC run."""

from sirbench.backbones.checkpoint import load_model
from sirbench.config import Configuration
from sirbench.data.runs import read_run, write_run
from sirbench.data.tokens import TokenStore
from sirbench.evaluation.reranking import rerank
from sirbench.layout import Layout
from sirbench.ranking.cross_encoder import CrossEncoder
from sirbench.ranking.device import claim_device


def rerank_cell(config: Configuration, candidates: str, backbone: str, recipe: str, seed: int) -> None:
    """Re-rank the dev candidates with a cell's model into its `run.trec.gz`."""
    layout, compute = Layout(config.name), config.study.compute
    folder = layout.cell(candidates, backbone, recipe, seed)
    run = read_run(layout.candidates(candidates, "dev"), config.study.depth)
    with claim_device(compute.gpus, compute.threads) as device:
        encoder = CrossEncoder(
            load_model(folder / "model", seed).to(device),
            TokenStore(layout.tokens(backbone)),
            chunk_tokens=compute.chunk_tokens,
            precision=compute.precision,
        )
        reranked = rerank(encoder, run, name=f"re-rank {candidates}/{backbone}/{recipe}/seed{seed}")
    write_run(reranked, folder / "run.trec.gz", tag=f"{recipe}-seed{seed}")
