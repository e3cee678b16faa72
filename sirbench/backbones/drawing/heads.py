"""The heads of transformers' own models, on the encoder that all objectives share."""

from typing import Any

import torch
from transformers import PreTrainedModel

from sirbench.backbones.objectives import Material
from sirbench.machine.errors import InputError


def with_head(material: Material, auto_class: Any) -> PreTrainedModel:
    """A model with the head of `auto_class` on the encoder that is trained.

    The head is that of the checkpoint `material.start` if it has one (a published BERT has the head of its
    own pre-training), and otherwise a new one that depends on the seed alone. Raises InputError if
    `auto_class` does not support the architecture.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(material.seed)
        try:
            model: PreTrainedModel = auto_class.from_pretrained(
                material.start,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        except ValueError as error:
            raise InputError(f"{material.start}: {auto_class.__name__} has no such architecture") from error
    setattr(model, model.base_model_prefix, material.model.base_model)
    model.tie_weights()
    model.to(material.device)
    return model
