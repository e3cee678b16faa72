"""Dropout masks that are a function of a key alone, sixteen random bits to an element.

torch's dropout takes a sixth of a step in bf16. Here a mask is a fast generator's raw output as it is, and
dropping is one comparison of integers.
"""

import hashlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

NUMBERS = 2**16
"""A probability is rounded to so many parts: to within 2**-17 of what was asked for."""


class Mask(NamedTuple):
    """Which elements to drop; the others are to be multiplied by `scale`."""

    bits: Tensor
    """A random number for each element, int16."""
    threshold: int
    """An element is dropped if its number is not above this."""
    scale: float
    """1 over the share that is kept, so that the mean stays."""


def zeroed(values: Tensor, mask: Mask | None) -> Tensor:
    """bf16 `values`, 0 where the mask drops them; not scaled.

    The operation is named for the ReLU that it is the gradient of. On int16 it takes a third of the time of a
    product of bf16 with booleans.
    """
    if mask is None:
        return values
    numbers = values.contiguous().view(torch.int16)
    return torch.ops.aten.threshold_backward(numbers, mask.bits, mask.threshold).view(torch.bfloat16)


class Masks:
    """The masks of one forward pass, drawn one after the other; the same key gives the same ones again.

    torch's random state is neither read nor moved, so a forward pass can be repeated anywhere, any time.
    """

    def __init__(self, *key: object):
        """Start at the first mask of `key`, e.g. (seed, step, worker, chunk)."""
        digest = hashlib.sha256("\x1f".join(map(str, ("dropout", *key))).encode()).digest()
        self._bits = np.random.SFC64(int.from_bytes(digest[:16], "little"))

    def draw(self, shape: tuple[int, ...], probability: float) -> Mask | None:
        """The next mask; None where nothing is dropped, for which nothing is drawn either."""
        assert 0 <= probability < 1, probability
        dropped = min(round(probability * NUMBERS), NUMBERS - 1)
        if dropped == 0:
            return None
        size = int(np.prod(shape))
        words = torch.from_numpy(self._bits.random_raw((size + 3) // 4))
        bits = words.view(torch.int16)[:size].view(shape)
        return Mask(bits, dropped - NUMBERS // 2 - 1, NUMBERS / (NUMBERS - dropped))
