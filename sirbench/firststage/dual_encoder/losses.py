"""Losses of a positive against negatives, from scores.

    RankNet                  l(s+, s-) = log(1 + exp(s- - s+))       (Burges et al., ICML 2005)
    negative log-likelihood  -log( e^s+ / (e^s+ + sum e^s-) )        (Karpukhin et al., EMNLP 2020, Eq. 2)

With a single negative they are the same.
"""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softplus


def ranknet(positives: Tensor, scores: Tensor, weights: Tensor) -> Tensor:
    """The weighted sum of l(s+, s-) of each query, (queries,).

    Args:
        positives: score (queries,) of each query's positive.
        scores: (queries, documents).
        weights: of the same shape; 0 where a document is no negative of the query.
    """
    return (weights * softplus(scores - positives[:, None])).sum(dim=1)


def ranknet_mean(positives: Tensor, scores: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean of l(s+, s-) over all pairs of a batch; 0 where no pair has a weight."""
    total = weights.sum()
    return ranknet(positives, scores, weights).sum() / (total if total > 0 else 1.0)


def negative_log_likelihood(positives: Tensor, scores: Tensor, negative: Tensor) -> Tensor:
    """The negative log-likelihood of each query's positive, (queries,); 0 for a query without negatives.

    Args:
        positives: score (queries,) of each query's positive.
        scores: (queries, documents).
        negative: bool of the same shape, whether a document is a negative of the query.
    """
    logits = torch.cat([positives[:, None], scores.masked_fill(~negative, -torch.inf)], dim=1)
    return -log_softmax(logits, dim=1)[:, 0]
