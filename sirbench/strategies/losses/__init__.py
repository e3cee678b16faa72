"""Losses of a level, one file each: `loss(scores, mask) -> (batch,)`, column 0 being the positive.

To add one, write `my_loss.py` with a function `loss` beside these; recipes call it `my-loss`.
"""

from collections.abc import Callable
from importlib import import_module

from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def loss_named(name: str) -> Loss:
    """The loss of a file here, by its name in recipes (`softmax-binary`)."""
    return import_module(f"{__name__}.{name.replace('-', '_')}").loss
