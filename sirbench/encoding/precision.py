"""The precision of arithmetic: bf16 within an encoder if a study asks for it, float32 everywhere else.

bf16 has 8 binary digits: between 4 and 8 it has 128 numbers, so many of a hundred candidates would get equal
scores. Therefore the head, which computes scores from hidden states, works in float32.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.utils.generic import ModelOutput

Precision = Literal["fp32", "bf16"]


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """The context of a forward pass that uses this precision for the whole model, outputs included."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


@contextmanager
def encoding(model: PreTrainedModel, precision: Precision) -> Iterator[None]:
    """Let the encoder of a model compute in this precision and return float32 to the head on top of it.

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

    def in_bf16(*args: Any, **kwargs: Any) -> ModelOutput:
        with autocast(device, precision):
            outputs: ModelOutput = forward(*args, **kwargs)
        return type(outputs)({name: _float32(value) for name, value in outputs.items()})

    # Set on the instance, it hides the method of the class; hooks run around it as before.
    encoder.forward = in_bf16
    try:
        yield
    finally:
        del encoder.forward


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) else value
