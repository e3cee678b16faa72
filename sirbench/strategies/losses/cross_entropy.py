"""Softmax cross entropy: with random negatives, localized contrastive estimation (LCE).

Gao, Dai and Callan: Rethink training of BERT rerankers in multi-stage retrieval pipeline (2021).
"""

import torch
from torch import Tensor


def loss(scores: Tensor, mask: Tensor) -> Tensor:
    """-log P_0, the first term of Eq. 1 alone; (batch, documents) to (batch,)."""
    return -torch.log_softmax(scores.masked_fill(~mask, -torch.inf), dim=1)[:, 0]
