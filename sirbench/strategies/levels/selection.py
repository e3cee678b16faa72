"""What a compressor passes on: the K highest-scored negatives, or K random ones (Eq. 4)."""

import torch
from torch import Tensor


def keep_top(values: Tensor, mask: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The positive and the `size - 1` negatives with the highest values (paper, Eq. 4).

    `values` and `mask` have shape (batch, documents), column 0 being the positive, which is always
    kept and always first. Returns positions (batch, size) by falling value, ties by lower position, and
    their mask; both are narrower than `size` where no block has that many documents. Handing random
    keys as values makes this Random-K, nested: what a later level keeps, the earlier ones kept too.
    """
    assert values.shape == mask.shape and size >= 1, (values.shape, mask.shape, size)
    width = min(size, values.shape[1])
    ranked = values.detach().clone()
    ranked[:, 0] = torch.inf
    order = torch.argsort(ranked, dim=1, descending=True, stable=True)
    # Then documents before padding: filling it with -inf instead would mix it with scores of -inf.
    order = order.gather(1, torch.argsort(~mask.gather(1, order), dim=1, stable=True))
    positions = order[:, :width]
    return positions, mask.gather(1, positions)
