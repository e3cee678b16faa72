"""Position-aware ListMLE: the likelihood of a whole order, its top weighted most.

Lan et al.: Position-aware ListMLE, a sequential learning process for ranking (UAI 2014); the likelihood is
Plackett and Luce's, as in ListMLE (Xia et al., ICML 2008).
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Literal

from sirbench.strategies.losses import Loss

if TYPE_CHECKING:
    from torch import Tensor


class ListMLE(Loss):
    """- sum_i a_i log(exp(s_i) / sum of exp(s_j) over j >= i), the documents in the order of their columns.

    That is the positive first, and then, in V0, the order of the candidates: the first stage is believed
    about negatives. Later levels of V3 and V4 have the model's own order there.
    """

    weights: Literal["falling", "equal"] = "falling"
    """`falling`: a_i = (2^(n - i) - 1) / sum, for documents i = 1 to n (p-ListMLE); `equal`: 1 / n."""

    def __call__(self, scores: Tensor, mask: Tensor) -> Tensor:
        """The loss (batch,) of scores (batch, documents); 0 for a positive without negatives."""
        return -(self._weights(mask).to(scores.dtype) * log_of_choices(scores, mask)).sum(dim=1)

    def _weights(self, mask: Tensor) -> Tensor:
        """a_i (batch, documents), 0 where there is no document; they sum to 1 if there are two."""
        number = mask.cumsum(dim=1)
        count = number[:, -1:]
        if self.weights == "equal":
            return mask / count
        # Divided by 2^n, so that 2^88 need not be held.
        weights = (0.5 ** number.double() - 0.5 ** count.double()) * mask
        total = weights.sum(dim=1, keepdim=True)
        return weights / total.where(total > 0, 1)


def log_of_choices(scores: Tensor, mask: Tensor) -> Tensor:
    """log(exp(s_i) / sum over j >= i of exp(s_j)) (batch, documents) in the order of columns, 0 at padding.

    Their sum is the logarithm of the Plackett-Luce probability of that order.
    """
    scores = scores.masked_fill(~mask, 0)
    later = mask.new_ones(mask.shape[1], mask.shape[1]).triu()
    # A padded document has itself alone to choose from: 0, and no NaN in its gradient.
    choice = (later & mask[:, None]) | later.new_ones(mask.shape[1]).diag().bool()
    left = scores[:, None].expand_as(choice).masked_fill(~choice, -inf).logsumexp(dim=2)
    return (scores - left).masked_fill(~mask, 0)
