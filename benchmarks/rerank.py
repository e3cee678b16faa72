"""Re-ranking speed: `CrossEncoder.score` against sentence-transformers' `CrossEncoder.predict`."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sentence_transformers import CrossEncoder as Peer

from benchmarks.material import Material
from benchmarks.timing import Row, speedup, time_in_turn
from sirbench.backbones.checkpoint import load_model
from sirbench.encoding.cross_encoder import CrossEncoder

CHUNK_TOKENS = 2048
"""A chunk's activations fit a processor's cache."""


def run(material: Material) -> list[Row]:
    """Both sides on the same pairs, at 256 and 512 tokens."""
    if material.quick:
        return compare(material, max_tokens=256, pairs=24, rounds=1)
    return compare(material, max_tokens=256, pairs=64, rounds=5) + compare(
        material, max_tokens=512, pairs=64, rounds=3
    )


def compare(material: Material, *, max_tokens: int, pairs: int, rounds: int) -> list[Row]:
    """Pairs per second against the peer at its default batch, and at a batch as small as our chunks."""
    material = material.sample(pairs)
    store = material.store(max_tokens)
    encoder = CrossEncoder(load_model(material.model_folder, seed=0).eval(), store, chunk_tokens=CHUNK_TOKENS)
    peer = Peer(
        str(material.model_folder), max_length=max_tokens, activation_fn=torch.nn.Identity(), device="cpu"
    )
    queries, documents = material.rows(store)
    texts = [
        (material.queries[query], material.documents[document])
        for query, document in zip(material.run["query_id"], material.run["doc_id"], strict=True)
    ]
    small = max(1, CHUNK_TOKENS // max_tokens)

    def tokenize() -> None:
        with TemporaryDirectory(dir=material.folder) as folder:
            material.tokenize(Path(folder) / "tokens", max_tokens)

    expected = peer.predict(texts, show_progress_bar=False)
    difference = float(np.abs(encoder.score(queries, documents).numpy() - expected).max())
    # The second bound is for a tiny model with random weights, whose scores are nearly all alike.
    assert difference <= min(1e-4, float(expected.std()) / 100), difference
    times = time_in_turn(
        {
            "peer": lambda: peer.predict(texts, show_progress_bar=False),
            "ours": lambda: encoder.score(queries, documents),
            "peer, small batch": lambda: peer.predict(texts, batch_size=small, show_progress_bar=False),
            "tokenize": tokenize,
        },
        rounds,
        f"rerank, {max_tokens} tokens",
    )
    ours, what = times["ours"], f"rerank, {max_tokens} tokens"
    return [
        speedup(f"{what}: predict / ours", times["peer"], ours, ">= 1.3"),
        speedup(f"{what}: predict / ours and tokenising once", times["peer"], ours + times["tokenize"]),
        speedup(f"{what}: predict(batch_size={small}) / ours", times["peer, small batch"], ours),
    ]
