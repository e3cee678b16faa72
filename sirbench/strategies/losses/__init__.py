"""Losses of a level: each file holds a class derived from `Loss`; recipes name it by its file.

A recipe says `loss: my-loss` for `my_loss.py` beside these, or `loss: {name: my-loss, margin: 2}` to set its
options, which are the fields of the class.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from sirbench.study.registry import Plugin, Registry

if TYPE_CHECKING:
    from torch import Tensor


class Loss(Plugin):
    """What a level minimises."""

    @abstractmethod
    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents), column 0 being the positive.

        `mask` (batch, documents) is False where there is no document; scores mean nothing there.
        """


LOSSES: Registry[Loss] = Registry(__name__, Loss, "losses")
"""Every loss, by the name that recipes give it."""
