"""What training writes down as it goes: a line per step, and which documents each level kept.

Both are kept in the checkpoint's folder until training ends, and are cut back to the checkpoint's
step on a resume, so that a run that was killed leaves the same record as one that was not.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sirbench.atomic import atomic_file
from sirbench.data.blocks import Block
from sirbench.strategies import Outcome
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


class Record:
    """The step log and the selection trace of one training job; worker 0 writes for all."""

    def __init__(self, folder: Path, step: int):
        """Open the record in `folder`, forgetting what it says beyond `step` steps."""
        self.folder = folder
        self.kept: list[Kept] = []
        self.writes = distributed.rank() == 0
        if self.writes:
            self._cut_back(step)

    @property
    def log(self) -> Path:
        """The step log as far as it is written."""
        return self.folder / "train.jsonl"

    def _cut_back(self, step: int) -> None:
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        with atomic_file(self.log) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines[:step]), encoding="utf-8")
        for part in self._parts():
            if int(part.stem.removeprefix("trace-")) > step:
                part.unlink()

    def write(self, step: int, epoch: int, loss: float, learning_rate: float, gradient_norm: float) -> None:
        """Add a line to the step log; `gradient_norm` is the one before clipping."""
        values = {"step": step, "epoch": epoch, "loss": loss, "learning_rate": learning_rate}
        line = json.dumps(values | {"gradient_norm": gradient_norm}) + "\n"
        if self.writes:
            with self.log.open("a", encoding="utf-8") as log:
                log.write(line)

    def trace(self, kept: Sequence[Kept]) -> None:
        """Add lines to the selection trace."""
        self.kept.extend(kept)

    def flush(self, step: int) -> None:
        """Bring the trace of all workers up to `step` steps to disk; called just before a checkpoint."""
        rows = [row for worker in distributed.gather(self.kept) for row in worker]
        self.kept = []
        if self.writes and rows:
            with atomic_file(self.folder / f"trace-{step:09d}.parquet") as temporary:
                _frame(rows).to_parquet(temporary, compression="zstd", index=False)

    def finish(self, log: Path, selection: Path) -> None:
        """Write the whole record to its final places."""
        with atomic_file(log) as temporary:
            shutil.copyfile(self.log, temporary)
        parts = [pd.read_parquet(part) for part in self._parts()]
        with atomic_file(selection) as temporary:
            pd.concat(parts, ignore_index=True).to_parquet(temporary, compression="zstd", index=False)

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
