"""Pre-training objectives, one file each: `make(material, *, ...) -> Objective`, found by name.

The keyword arguments of `make` are the options that a study may set. To add an objective, write a file beside
these; a study names it, with the weight of its loss. Objectives of one backbone share its encoder. What they
share in drawing texts is in `sirbench.backbones.drawing`.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sirbench.backbones.corpora.store import CorpusStore
from sirbench.data.tokens import Template
from sirbench.study import Compute


@dataclass(frozen=True)
class Material:
    """What an objective is made of: the model that it trains, texts, and how much of them at a step."""

    model: PreTrainedModel
    """The cross-encoder: an encoder and a classification head of one label."""
    start: Path
    """Checkpoint folder that the model was loaded from; heads of other objectives may lie in it too."""
    tokenizer: PreTrainedTokenizerBase
    template: Template
    """How a pair becomes an input, and its tokens."""
    corpus: CorpusStore
    queries: Callable[[], Sequence[str]]
    """The training queries of the study's collection, without their judgements."""
    max_query_tokens: int
    batch: int
    negatives: int
    seed: int
    compute: Compute

    @property
    def passage_tokens(self) -> int:
        """Tokens of a passage that fits beside the longest query."""
        return self.template.max_tokens - self.template.special - self.max_query_tokens

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device


class Outcome(NamedTuple):
    """What an objective says of a step."""

    loss: Tensor
    """A number with a gradient."""
    inputs: int
    """Pairs or texts that went through the encoder."""


class Objective(nn.Module):
    """A loss over texts that it draws itself; the weights of its own heads are its parameters too."""

    TRAINS_HEAD: ClassVar[bool]
    """Whether it trains the classification head, which then is a part of what was learned."""

    @abstractmethod
    def forward(self, step: int) -> Outcome:
        """The loss of a step (from 0), which depends on the step, the seed and the weights alone."""


def objective(name: str, material: Material, **options: object) -> Objective:
    """Make the objective of a file here, by its name in studies."""
    return import_module(f"{__name__}.{name.replace('-', '_')}").make(material, **options)
