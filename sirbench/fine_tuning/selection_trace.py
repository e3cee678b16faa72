"""The selection trace: which documents each level kept, for every query and step.

Parts of it are kept beside the checkpoint until training ends; those beyond the checkpoint's step are deleted
on a resume, so that a run that was killed leaves the same trace as one that was not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sirbench.data.frames import write_frame
from sirbench.fine_tuning.blocks import Block
from sirbench.machine.atomic import atomic_file
from sirbench.strategies.levels.blocks import Outcome
from sirbench.training import distributed


class Kept(NamedTuple):
    """A line of the selection trace: what one level saw of one query in one step."""

    step: int
    epoch: int
    query_id: str
    level: int
    ranks: list[int]
    """Ranks in the candidates (from 1) of the level's negatives, in the order of selection; the
    positive, which is always there, is left out."""


class SelectionTrace:
    """The trace of one training job; worker 0 writes for all."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.kept: list[Kept] = []
        self.writes = distributed.rank() == 0

    def cut_back(self, step: int) -> None:
        """Forget what is written down beyond `step` steps."""
        for part in self._parts() if self.writes else []:
            if int(part.stem.removeprefix("trace-")) > step:
                part.unlink()

    def add(self, kept: Sequence[Kept]) -> None:
        """Add lines."""
        self.kept.extend(kept)

    def flush(self, step: int) -> None:
        """Bring the trace of all workers up to `step` steps to disk; called just before a checkpoint."""
        rows = [row for worker in distributed.gather(self.kept) for row in worker]
        self.kept.clear()
        if self.writes and rows:
            with atomic_file(self.folder / f"trace-{step:09d}.parquet") as temporary:
                _frame(rows).to_parquet(temporary, compression="zstd", index=False)

    def finish(self, path: Path) -> None:
        """Write the whole trace to its final place."""
        parts = [pd.read_parquet(part) for part in self._parts()] or [_frame([])]
        write_frame(pd.concat(parts, ignore_index=True), path)

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("trace-*.parquet"))


def trace(
    outcome: Outcome, blocks: Sequence[tuple[str, Block]], step: int, epoch: int, level: int
) -> list[Kept]:
    """The trace of one step; `level` numbers the one level of a job that trains one, 0 numbers them all."""
    rows = []
    for number, (positions, mask, _) in enumerate(outcome.levels, start=1):
        for (query_id, block), places, real in zip(blocks, positions.tolist(), mask.tolist(), strict=True):
            ranks = [int(block.ranks[place]) for place, is_real in zip(places, real, strict=True) if is_real]
            rows.append(Kept(step, epoch, query_id, level or number, ranks[1:]))
    return rows


def _frame(kept: Sequence[Kept]) -> pd.DataFrame:
    """The lines as a data frame, in an order that does not depend on how workers shared the blocks."""
    frame = pd.DataFrame(kept, columns=Kept._fields).sort_values(["step", "level", "query_id"])
    return frame.astype({"step": "int32", "epoch": "int16", "level": "int8"})
