"""Fine-tuning a cross-encoder on blocks: the training job of a cell, and of a compressor."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sirbench.encoding.collapse import QUERIES, Scores, look_at_scores
from sirbench.encoding.cross_encoder import CrossEncoder, Gradient
from sirbench.fine_tuning.batch import block_scorer, block_tensors
from sirbench.fine_tuning.blocks import Block, TrainingQuery, draw_block
from sirbench.fine_tuning.concentration import concentration, watch
from sirbench.fine_tuning.selection_trace import SelectionTrace, trace
from sirbench.strategies import Strategy
from sirbench.strategies.levels.blocks import Outcome
from sirbench.study import Training
from sirbench.training import MIDDLE, distributed
from sirbench.training.checkpoint import save_middle
from sirbench.training.loop import seed_dropout
from sirbench.training.schedule import Schedule
from sirbench.training.task import Step, Task


@dataclass(frozen=True, kw_only=True)
class FineTuning(Task):
    """Blocks in, a trained cross-encoder out; which documents it kept goes into the selection trace."""

    settings: Training
    encoder: CrossEncoder
    """Its `model` is the one that is trained."""
    queries: Sequence[TrainingQuery]
    strategy: Strategy
    """What a step computes; blocks are as large as its first level."""
    epochs: int
    seed: int
    level: int = 0
    """Number of the one level that is trained, for the selection trace; 0 where a step has them all."""
    keep_middle: bool = False
    """Keep the model as it is in the middle of training, in the folder."""
    gradient: Gradient = "cached"
    selection: SelectionTrace = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "selection", SelectionTrace(self.folder))

    @property
    def schedule(self) -> Schedule:
        """Which queries each step has."""
        return Schedule(len(self.queries), self.settings.blocks_per_step, self.epochs, self.seed)

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.schedule.steps

    def start(self, step: int) -> None:
        """Cut the selection trace back to the checkpoint."""
        self.selection.cut_back(step)

    def forward_backward(self, step: int) -> Step:
        """One block per query of the step; the log says how many documents carry each level's gradient."""
        epoch, chosen = self.schedule.at(step)
        outcome, blocks = block_gradient(self, step, epoch, chosen)
        self.selection.add(trace(outcome, blocks, step, epoch, self.level))
        return Step(
            loss=float(outcome.loss.detach().sum()) / len(chosen),
            inputs=sum(int(level.mask.sum()) for level in outcome.levels),
            notes={"epoch": epoch},
            shares=self._documents(outcome, len(chosen)),
        )

    def _documents(self, outcome: Outcome, blocks: int) -> dict[str, float]:
        """Means over a step's blocks, as far as this worker's add to them: two numbers for each level."""
        return {
            f"{name}_{self.level or number}": value / blocks
            for number, values in enumerate(concentration(outcome.levels).tolist(), start=1)
            for name, value in zip(("effective_documents", "documents_with_99_percent"), values, strict=True)
        }

    def look_at_scores(self) -> Scores:
        """Of the candidates of a few queries, the same for every recipe, step and worker."""
        few = self.queries[:QUERIES]
        documents = [np.concatenate([query.positives[:1], query.negatives]) for query in few]
        queries = np.repeat([query.row for query in few], [len(each) for each in documents])
        return look_at_scores(self.encoder, queries, np.concatenate(documents))

    def after(self, done: int) -> None:
        """Keep the model in the middle, if a figure asks for it."""
        if self.keep_middle and done == self.schedule.middle:
            save_middle(self.folder / MIDDLE, self.encoder.model)

    def flush(self, done: int) -> None:
        """Bring the selection trace to disk."""
        self.selection.flush(done)


def block_gradient(
    task: FineTuning, step: int, epoch: int, chosen: np.ndarray
) -> tuple[Outcome, list[tuple[str, Block]]]:
    """Add the gradient of this worker's share of a step's blocks; return the outcome and the blocks.

    The loss of a step is the mean over its blocks, whoever computes them.
    """
    mine = [task.queries[i] for i in chosen[distributed.rank() :: distributed.workers()]]
    size, fixed = task.strategy.levels[0], task.strategy.blocks == "fixed"
    blocks = [draw_block(query, size, task.seed, epoch, fixed=fixed) for query in mine]
    seed_dropout(task.seed, step)
    task.encoder.arithmetic.begin_step(task.seed, step, distributed.rank())
    score = block_scorer(task.encoder, blocks, task.gradient)
    outcome = task.strategy.step(block_tensors(blocks, task.encoder.device), score)
    watch(outcome.levels)
    if outcome.loss.requires_grad:  # a worker may have no block in the last step of an epoch
        (outcome.loss.sum() / len(chosen)).backward()
    return outcome, [(query.id, block) for query, block in zip(mine, blocks, strict=True)]
