"""Dropout modules of any model, for the length of a forward pass, by masks that are a function of a key."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from sirbench.encoding.bf16.masks import Masks
from sirbench.encoding.bf16.operations import dropout


@contextmanager
def masked_dropout(model: nn.Module, masks: Masks) -> Iterator[None]:
    """Let every `nn.Dropout` of a model in training mode take its masks from here, in the order of its calls.

    What calls torch's dropout itself, as attention does, is not reached.
    """
    modules = [module for module in model.modules() if type(module) is nn.Dropout and module.training]
    before = [vars(module).get("forward") for module in modules]
    for module in modules:
        # On the instance it hides the method of the class, and hooks run around it as ever.
        module.forward = partial(drop, masks, module.p)
    try:
        yield
    finally:
        for module, forward in zip(modules, before, strict=True):
            if forward is None:
                del module.forward
            else:
                module.forward = forward


def drop(masks: Masks, probability: float, inputs: Tensor) -> Tensor:
    """Dropout of elements of any type by the next mask."""
    mask = masks.draw(inputs.shape, probability)
    if mask is None:
        return inputs
    if inputs.dtype == torch.bfloat16:
        return dropout(inputs, mask)
    return inputs * ((mask.bits > mask.threshold) * mask.scale)
