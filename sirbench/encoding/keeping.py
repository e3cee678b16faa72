"""Which chunks keep their activations for the backward pass, and which are computed again: as memory allows.

Either gives the same gradient to the bit, so a step's result does not depend on what else the machine does.
"""

from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from sirbench.machine.memory import spare
from sirbench.study.scale import WhatFits

FURTHER = 1.5
"""A measurement is made anew for inputs that are so many times as long."""

REST_OF_A_STEP = 3
"""Copies of the weights that may be made after the decision: their gradients and AdamW's two moments."""


class Measured(NamedTuple):
    """What a chunk was found to keep."""

    length: int
    """Of its inputs, in tokens."""
    bytes: float
    """For each token, padding included."""

    def estimate(self, inputs: int, length: int) -> float:
        """Bytes of another chunk, at most: what attention keeps for a token grows with the length."""
        return inputs * length * self.bytes * max(1.0, length / self.length)


_measured: WeakKeyDictionary[nn.Module, Measured] = WeakKeyDictionary()
"""Of each model that is being trained; a model is trained in one precision."""


class Room:
    """The memory for activations of the chunks of one call, taken in turn."""

    def __init__(self, gradient: WhatFits, model: nn.Module):
        """For a model in training, and within what the job may take."""
        self.gradient = gradient
        self.model = model
        self.left: float | None = None

    def takes(self, inputs: Tensor, forward: Callable[[], Tensor]) -> bool:
        """Whether the activations of the chunk `inputs` (inputs, tokens) are kept; their place is taken then.

        Room is left for twice as much again, which is for a chunk that is computed in the backward pass and
        its gradients, and for what the rest of a step needs. The first time, `forward` is called once more,
        to see what it keeps.
        """
        needed = self._measured(inputs, forward).estimate(*inputs.shape)
        if self.left is None:
            weights = sum(
                parameter.nbytes for parameter in self.model.parameters() if parameter.requires_grad
            )
            self.left = spare(inputs.device, self.gradient.mem_mb) - REST_OF_A_STEP * weights
        if 3 * needed > self.left:
            return False
        self.left -= needed
        return True

    def _measured(self, inputs: Tensor, forward: Callable[[], Tensor]) -> Measured:
        before = _measured.get(self.model)
        if before is None or inputs.shape[1] > FURTHER * before.length:
            with torch.random.fork_rng([inputs.device] if inputs.device.type == "cuda" else []):
                size = activation_bytes(forward, self.model)
            before = _measured[self.model] = Measured(inputs.shape[1], size / inputs.numel())
        return before


def activation_bytes(forward: Callable[[], object], model: nn.Module) -> int:
    """Bytes that a forward pass keeps for the backward pass, parameters apart."""
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)  # held, so that no two have the same address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in kept}
    return sum(size for address, size in storages.items() if address not in parameters)
