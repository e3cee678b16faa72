"""One level alone: V0's group of random negatives, and each level of V1 and V2."""

import torch

from sirbench.strategies.blocks import Blocks, Level, Options, Outcome, Score, check
from sirbench.strategies.losses import loss_named
from sirbench.strategies.selection import keep_top


def single_step(blocks: Blocks, score: Score, options: Options) -> Outcome:
    """The loss on a set that does not depend on the model in training (paper, Eq. 1 to 3).

    A block larger than the level is cut at random, anew in every epoch: that is V0, and V1 and V2
    with random compressors. With top compressors the block already is what the level before kept.
    """
    check(blocks)
    if blocks.mask.shape[1] > options.sizes[-1]:
        positions, mask = keep_top(blocks.keys, blocks.mask, options.sizes[-1])
    else:
        mask = blocks.mask
        positions = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    scores = score(positions, mask, gradient=True)
    return Outcome(loss_named(options.loss)(scores, mask), [Level(positions, mask, scores)])
