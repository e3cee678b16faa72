"""The paper's heart as pure tensor code: what a step of each strategy scores, keeps and minimises.

A batch of blocks is two tensors of shape (batch, documents): `mask` (False where a short block is
padded) and `keys` (uniform random numbers, which make Random-K a Top-K by key). Position 0 of every
block is the positive. Nothing here reads a file, knows a model, or draws a random number; `score` is
whatever turns positions into scores.

`selection`  Top-K and Random-K (Eq. 4)
`losses/`    one file per loss: Eq. 1 and its alternatives
`cpr`        the conditional probability of Eq. 7
`single`     one level at a time: V0, and each level of V1 and V2
`v3`, `v4`   all levels in one step (Algorithm 1)

How V1 and V2 chain their levels into training jobs is `sirbench.jobs.plan`.
"""

from sirbench.strategies.blocks import Blocks, Level, Options, Outcome, Score
from sirbench.strategies.single import single_step
from sirbench.strategies.v3 import v3_step
from sirbench.strategies.v4 import v4_step

STEPS = {"single": single_step, "v3": v3_step, "v4": v4_step}
"""What a training job calls at every optimiser step, by the name in its plan."""

__all__ = ["STEPS", "Blocks", "Level", "Options", "Outcome", "Score", "single_step", "v3_step", "v4_step"]
