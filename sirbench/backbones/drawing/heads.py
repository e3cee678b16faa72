"""Heads of transformers' own models, on the encoder that all objectives share."""

import torch
from transformers import PreTrainedModel

from sirbench.backbones.objectives import Material
from sirbench.machine.errors import InputError


def with_head(material: Material, auto_class: type) -> PreTrainedModel:
    """The start's model with the head of `auto_class`, on the encoder that is trained.

    The head is the checkpoint's where it has one (a published BERT has that of its own pre-training), and
    otherwise new, a function of the seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(material.seed)
        try:
            model = auto_class.from_pretrained(
                material.start, dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
        except ValueError as error:
            raise InputError(f"{material.start}: {auto_class.__name__} has no such architecture") from error
    setattr(model, model.base_model_prefix, material.model.base_model)
    model.tie_weights()
    return model.to(material.device)
