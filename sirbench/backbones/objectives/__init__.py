"""Pre-training objectives: each file here holds one, a class derived from `Objective`, found by its name.

A study names objectives with the weight of each one's loss; the fields of a class are the options that it may
set. Objectives of one backbone share its encoder. What they share in drawing texts is in
`sirbench.backbones.drawing`.

These files import torch, and what needs it, where they compute: every reading of config/ imports them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from pydantic import PrivateAttr

from sirbench.study.registry import Plugin, Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from sirbench.backbones.corpora.store import CorpusStore
    from sirbench.data.tokens import Template
    from sirbench.study import Compute, PretrainedBackbone


@dataclass(frozen=True)
class Material:
    """What an objective is trained with: the model, texts, and how much of them at a step."""

    model: PreTrainedModel
    """The cross-encoder: an encoder and a classification head of one label."""
    start: Path
    """Checkpoint folder that the model was loaded from; it may have heads of other tasks too."""
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
        device: torch.device = next(self.model.parameters()).device
        return device


class Outcome(NamedTuple):
    """The result of an objective's step."""

    loss: Tensor
    """A number with a gradient."""
    inputs: int
    """Pairs or texts that went through the encoder."""


class Objective(Plugin):
    """A loss over texts that it draws itself.

    A study sets the options only. `on` returns a copy that trains a model, and the other methods need such a
    copy.
    """

    trains_head: ClassVar[bool]
    """Whether it trains the classification head, which then is a part of what was learned."""

    @property
    def reads_queries(self) -> bool:
        """Whether it learns from the collection's training queries."""
        return False

    _material: Material = PrivateAttr()

    def on(self, material: Material) -> Self:
        """A copy that trains this model on these texts; `InputError` where that is impossible."""
        copy = self.model_copy()
        copy._material = material
        copy.prepare()
        copy.heads()  # now, so that a model without such a head is refused before training
        return copy

    @property
    def material(self) -> Material:
        """The model and the texts."""
        return self._material

    def prepare(self) -> None:
        """Before the first step: check the material, and build indexes."""

    def inputs(self, batch: int, negatives: int) -> int:
        """Pairs or texts of a step that go through the encoder, all with gradient."""
        return batch

    def heads(self) -> Mapping[str, nn.Module]:
        """Models that it trains beside the cross-encoder, by name; they may share its encoder."""
        return {}

    @abstractmethod
    def __call__(self, step: int) -> Outcome:
        """The loss of a step (from 0), which depends on the step, the seed and the weights alone."""


OBJECTIVES: Registry[Objective] = Registry(__name__, Objective, "objectives")
"""Every objective, by the name that studies give it."""


def objective(spec: PretrainedBackbone, name: str) -> Objective:
    """One of a backbone's objectives; `InputError` for an option that it lacks or does not allow."""
    return OBJECTIVES.make({**spec.options.get(name, {}), "name": name})


def inputs_of(spec: PretrainedBackbone) -> dict[str, int]:
    """Pairs or texts that each objective of a backbone's pre-training encodes in all steps."""
    return {
        name: spec.steps * objective(spec, name).inputs(spec.batch, spec.negatives)
        for name in spec.objectives
    }


def reads_queries(spec: PretrainedBackbone) -> bool:
    """Whether any of a backbone's objectives learns from the collection's training queries."""
    return any(objective(spec, each).reads_queries for each in spec.objectives)
