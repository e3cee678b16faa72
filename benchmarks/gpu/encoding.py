"""Pairs a second, forward and with gradient, beside sentence-transformers where it is installed."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from benchmarks.gpu.made import Store, Texts, as_text, make_model, operations, save
from benchmarks.gpu.measuring import Measurement
from sirbench.encoding.cross_encoder import CrossEncoder, Gradient
from sirbench.strategies.losses.cross_entropy import CrossEntropy

GROUP = 8
"""Documents of a query in the loss: localized contrastive estimation."""
Rows = tuple[np.ndarray, np.ndarray]
"""Of queries and of documents, (pairs,) each."""
BATCHES = (32, 256)
"""Of sentence-transformers: its default, and one that a GPU has more of."""


def compare(measurement: Measurement, name: str, tokens: int, texts: Texts, sizes: tuple[int, int]) -> None:
    """Ours and theirs on the same pairs and weights, in bf16; `sizes` are pairs without and with gradient."""
    store, model = Store(texts, tokens), make_model(name)
    without, trained = (texts.pairs(count) for count in sizes)
    average = [operations(model, store.pair_lengths(*pairs)) / len(pairs[0]) for pairs in (without, trained)]

    def measure(what: str, side: str, function: Callable[[], int]) -> None:
        costs = average[0] if what == "forward" else 3 * average[1]
        measurement.measure(name, tokens, what, side, function, costs)

    with TemporaryDirectory() as folder:
        save(model, Path(folder))
        encoder = CrossEncoder(
            model.to(measurement.device), store, chunk_tokens=chunk_tokens(measurement), precision="bf16"
        )
        measure("forward", "ours", forward(encoder, *without))
        for how in ("kept", "cached"):
            measure("with gradient", f"ours, {how}", gradient(encoder, *trained, how))
        measure_peer(measurement, Path(folder), encoder, texts, (without, trained), measure)


def chunk_tokens(measurement: Measurement) -> int:
    """Tokens at once: as many as studies for GPUs have, where its memory has room for them."""
    if measurement.quick or measurement.device.type == "cpu":
        return 2048
    large = torch.cuda.get_device_properties(measurement.device).total_memory > 40e9
    return 65536 if large else 16384


def forward(encoder: CrossEncoder, queries: np.ndarray, documents: np.ndarray) -> Callable[[], int]:
    """Scores, brought to main memory."""

    def score() -> int:
        encoder.model.eval()
        return len(encoder.score(queries, documents).cpu())

    return score


def gradient(
    encoder: CrossEncoder, queries: np.ndarray, documents: np.ndarray, how: Gradient
) -> Callable[[], int]:
    """A cross entropy over groups and its gradient, with dropout; no optimiser."""

    def backward() -> int:
        encoder.model.train().zero_grad()
        encoder.arithmetic.begin_step(1)
        loss_of(encoder.score(queries, documents, how)).backward()
        return len(queries)

    return backward


def loss_of(scores: torch.Tensor) -> torch.Tensor:
    """The mean loss of groups whose first document is the positive."""
    groups = scores.view(-1, GROUP)
    return CrossEntropy()(groups, torch.ones_like(groups, dtype=torch.bool)).mean()


def measure_peer(
    measurement: Measurement,
    folder: Path,
    encoder: CrossEncoder,
    texts: Texts,
    pairs: Sequence[Rows],
    measure: Callable[[str, str, Callable[[], int]], None],
) -> None:
    """`predict` with weights in bf16, its fastest; its model with a loss in autocast, as in its trainer."""
    try:
        from sentence_transformers import CrossEncoder as Peer
    except ImportError:
        measurement.skipped.append("sentence-transformers (not installed)")
        return
    encoder.model.eval()
    ours = encoder.score(*(rows[:64] for rows in pairs[0])).cpu().numpy()
    encoder.model.cpu()  # its memory is none of theirs
    tokens = encoder.store.template.max_tokens
    options = {"max_length": tokens, "activation_fn": torch.nn.Identity(), "device": str(measurement.device)}
    without, trained = (as_texts(texts, *rows) for rows in pairs)
    half = Peer(str(folder), model_kwargs={"dtype": torch.bfloat16}, **options)
    check(ours, half.predict(without[:64], show_progress_bar=False))
    for batch in BATCHES:
        side = f"sentence-transformers, {batch} at a time"
        measure("forward", side, partial(predict, half, without, batch))
    del half
    whole = Peer(str(folder), **options)
    backward = peer_gradient(whole.model, whole.tokenizer, trained, tokens)
    measure("with gradient", "sentence-transformers", backward)


def as_texts(texts: Texts, queries: np.ndarray, documents: np.ndarray) -> list[tuple[str, str]]:
    """Pairs as whoever tokenises them wants them."""
    rows = zip(queries, documents, strict=True)
    return [(as_text(texts.queries[query]), as_text(texts.documents[document])) for query, document in rows]


def predict(peer: Any, pairs: list[tuple[str, str]], batch: int) -> int:
    """Scores of all pairs in main memory."""
    return len(peer.predict(pairs, batch_size=batch, show_progress_bar=False))


def check(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Both have the same scores, but for bf16's rounding, which differs between pairs less than they do."""
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9 or np.abs(ours - theirs).max() < 0.05, (ours, theirs)


def peer_gradient(
    model: PreTrainedModel, tokenizer: Any, pairs: list[tuple[str, str]], tokens: int
) -> Callable[[], int]:
    """Tokenise, forward in autocast, loss, backward, all pairs at once."""

    def backward() -> int:
        model.train().zero_grad()
        inputs = tokenizer(
            *map(list, zip(*pairs, strict=True)),
            padding=True,
            truncation="only_second",
            max_length=tokens,
            return_tensors="pt",
        ).to(model.device)
        with torch.autocast(model.device.type, dtype=torch.bfloat16):
            scores = model(**inputs).logits[:, 0]
        loss_of(scores.float()).backward()
        return len(pairs)

    return backward
