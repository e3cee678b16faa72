"""The conditional probability that links the levels of V4 (Eq. 7), in each reading of that equation.

Every form is a softmax over some logits, so what is computed here are the logits; the level's loss
(Eq. 8) is then any loss of `losses/` applied to them.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def literal(log_p: Sequence[Tensor]) -> Tensor:
    """Eq. 7 as printed: softmax of the product of probabilities.

    The softmax of numbers in [0, 1] is nearly uniform, so this one's gradient nearly vanishes.
    """
    return torch.stack(tuple(log_p)).sum(dim=0).exp()


def product(log_p: Sequence[Tensor]) -> Tensor:
    """The product of probabilities, normalised: softmax of the sum of their logarithms."""
    return torch.stack(tuple(log_p)).sum(dim=0)


def geometric(log_p: Sequence[Tensor]) -> Tensor:
    """The geometric mean of the probabilities, normalised: softmax of the mean of their logarithms."""
    return torch.stack(tuple(log_p)).mean(dim=0)


def literal_from_2(log_p: Sequence[Tensor]) -> Tensor:
    """CPR_1 = P_1, and Eq. 7 as printed from level 2 on: the first level keeps the gradient of Eq. 1."""
    return log_p[0] if len(log_p) == 1 else literal(log_p)


FORMS: dict[str, Callable[[Sequence[Tensor]], Tensor]] = {
    "literal": literal,
    "product": product,
    "geometric": geometric,
    "literal-from-2": literal_from_2,
}


def cpr_logits(log_p: Sequence[Tensor], mask: Tensor, form: str) -> Tensor:
    """Logits whose softmax is CPR_i, of shape (batch, documents of level i).

    `log_p` holds log P_1 ... log P_i, each normalised over its own level's documents and then gathered
    at the documents of level i, aligned by identity. Where `mask` is False, the logits are finite and
    mean nothing: the loss leaves them out.
    """
    assert all(values.shape == mask.shape for values in log_p), [values.shape for values in log_p]
    return FORMS[form]([values.masked_fill(~mask, 0.0) for values in log_p])
