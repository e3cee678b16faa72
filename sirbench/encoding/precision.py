"""The precision of arithmetic: bf16 inside an encoder if a study says so, float32 for all that leaves it.

bf16 keeps 8 binary digits, so between 4 and 8 it has 128 numbers, and of a hundred candidates' scores many
would tie. So the head, which makes scores of embeddings, computes in float32.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch
from torch import Tensor, nn
from transformers.utils import ModelOutput

Precision = Literal["fp32", "bf16"]


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager:
    """The context of a forward pass that is in this precision as a whole, what it returns included."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


@contextmanager
def encoding(model: nn.Module, precision: Precision) -> Iterator[None]:
    """Let the encoder of a model compute in this precision, and hand out float32 to whatever head is on it.

    Args:
        model: any model of transformers; its `base_model` is the encoder, which may be the model itself.
        precision: `bf16` is autocast, so weights, their gradients and the optimiser stay float32.
    """
    if precision == "fp32":
        yield
        return
    encoder = model.base_model
    forward = encoder.forward
    device = next(encoder.parameters()).device

    def in_bf16(*args: object, **kwargs: object) -> ModelOutput:
        with autocast(device, precision):
            outputs = forward(*args, **kwargs)
        return type(outputs)({name: _float32(value) for name, value in outputs.items()})

    # On the instance it hides the method of the class, and hooks run around it as ever.
    encoder.forward = in_bf16
    try:
        yield
    finally:
        del encoder.forward


def _float32(value: object) -> object:
    return value.float() if isinstance(value, Tensor) else value
