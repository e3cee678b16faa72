"""The sizes of backbones' encoders, and what follows from them: operations, weights and memory."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.json_object import read_counts


class Encoder(NamedTuple):
    """The sizes of a BERT-like encoder."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int

    def forward_operations(self, tokens: int) -> float:
        """Floating-point operations of one forward of so many tokens.

        2 per weight of the layers' six matrices and token, and 4 n^2 h per layer for attention's two products
        (as counted by Kaplan et al., arXiv 2001.08361, Table 1).
        """
        h, n = self.hidden, tokens
        return self.layers * (2 * n * (4 * h * h + 2 * h * self.intermediate) + 4 * n * n * h)

    def activation_bytes(self, tokens: int) -> float:
        """Bytes that so many tokens leave in memory for the backward pass, in bf16 with fused attention.

        34 per token, layer and unit of width (Korthikanti et al., Reducing Activation Recomputation in Large
        Transformer Models, MLSys 2023, section 4.1, without the attention's matrices), of a feed-forward
        layer four times as wide.
        """
        return 34.0 * self.layers * self.hidden * tokens

    @property
    def parameters(self) -> int:
        """Weights of transformers' BertModel: embeddings (512 positions, 2 types), layers, pooler."""
        h, i = self.hidden, self.intermediate
        layer = 4 * (h * h + h) + (h * i + i) + (i * h + h) + 4 * h
        return (self.vocabulary + 512 + 2) * h + 2 * h + self.layers * layer + h * h + h


BERT_BASE = Encoder(layers=12, hidden=768, intermediate=3072, vocabulary=30522)


def encoder_of(config: Configuration, backbone: str) -> tuple[Encoder, bool]:
    """A backbone's sizes, and whether they are known or assumed to be BERT-base's."""
    spec = config.study.backbones[backbone]
    if spec.source == "pretrained":
        return encoder_of(config, spec.start)
    if spec.source == "tiny":
        return Encoder(spec.layers, spec.hidden, 4 * spec.hidden, spec.vocabulary), True
    folders: list[Path] = [Layout(config.name).backbone(backbone)]
    if spec.source == "folder":
        folders.append(spec.path)
    if spec.source == "package":
        folders += _in_package(spec.distribution.partition("==")[0], spec.path)
    return _read_encoder(folders)


def _in_package(name: str, path: str) -> Sequence[Path]:
    try:
        return [Path(str(distribution(name).locate_file(path)))]
    except PackageNotFoundError:
        return []


def _read_encoder(folders: Sequence[Path]) -> tuple[Encoder, bool]:
    for folder in folders:
        if (folder / "config.json").exists():
            keys = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
            return Encoder(*read_counts(folder / "config.json", [(key,) for key in keys])), True
    return BERT_BASE, False
