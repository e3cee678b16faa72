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


@dataclass(frozen=True, kw_only=True)
class Pretraining(Task):
    """Objectives in, a trained encoder out, with its head where an objective trains that."""

    spec: PretrainedBackbone
    """Steps, seed and the weight of each objective's loss; `model` holds the objectives by name."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.spec.steps

    def forward_backward(self, step: int) -> Step:
        """One batch per objective, each brought backward before the next needs the memory."""
        seed_dropout(self.spec.seed, step)
        losses, inputs = {}, 0
        for name, weight in self.spec.objectives.items():
            outcome = self.model[name](step)
            (weight * outcome.loss).backward()
            losses[name] = float(outcome.loss.detach())
            inputs += outcome.inputs
        loss = sum(self.spec.objectives[name] * value for name, value in losses.items())
        return Step(loss=loss, inputs=inputs, notes=losses if len(losses) > 1 else {})


def objectives_module(objectives: Mapping[str, Objective]) -> nn.ModuleDict:
    """What the loop trains: the objectives with the encoder that they share, once in its parameters."""
    return nn.ModuleDict(objectives)


def save_pretrained(model: PreTrainedModel, objectives: Mapping[str, Objective], folder: Path) -> None:
    """Save the model as a classifier, without its head where no objective has trained it.

    Fine-tuning then draws a new one by its own seed: see `checkpoint.load_model`.
    """
    weights = model.state_dict()
    if not any(objective.TRAINS_HEAD for objective in objectives.values()):
        weights = {
            name: weight for name, weight in weights.items() if name.startswith(f"{model.base_model_prefix}.")
        }
    model.save_pretrained(folder, state_dict=weights)
