"""Pre-training a backbone: the training job that sums its objectives' losses on one encoder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn
from transformers import PreTrainedModel

from sirbench.backbones.objectives import Objective
from sirbench.study import PretrainedBackbone
from sirbench.training.loop import seed_dropout
from sirbench.training.task import Step, Task


class SharedModel(nn.Module):
    """What the loop trains: the cross-encoder, and the heads that objectives have beside it."""

    def __init__(self, model: PreTrainedModel, objectives: Mapping[str, Objective]):
        super().__init__()
        self.model = model
        self.objectives = objectives
        self.heads = nn.ModuleDict({name: nn.ModuleDict(one.heads()) for name, one in objectives.items()})

    def save_pretrained(self, folder: Path) -> None:
        """Save the cross-encoder as a classifier, without its head where no objective has trained it.

        Fine-tuning then draws a new one by its own seed: see `checkpoint.load_model`.
        """
        weights, encoder = self.model.state_dict(), f"{self.model.base_model_prefix}."
        if not any(objective.trains_head for objective in self.objectives.values()):
            weights = {name: weight for name, weight in weights.items() if name.startswith(encoder)}
        self.model.save_pretrained(folder, state_dict=weights)


@dataclass(frozen=True, kw_only=True)
class Pretraining(Task):
    """Objectives in, a trained encoder out, with its head where an objective trains that."""

    model: SharedModel
    spec: PretrainedBackbone
    """Steps, seed and the weight of each objective's loss."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.spec.steps

    def forward_backward(self, step: int) -> Step:
        """One batch per objective, each brought backward before the next needs the memory."""
        seed_dropout(self.spec.seed, step)
        losses, inputs = {}, 0
        for name, weight in self.spec.objectives.items():
            outcome = self.model.objectives[name](step)
            (weight * outcome.loss).backward()
            losses[name] = float(outcome.loss.detach())
            inputs += outcome.inputs
        loss = sum(self.spec.objectives[name] * value for name, value in losses.items())
        return Step(loss=loss, inputs=inputs, notes=losses if len(losses) > 1 else {})
