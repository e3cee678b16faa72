"""The step log of a training job: a line of JSON for each step.

It is kept beside the checkpoint until training ends, and is cut back to the checkpoint's step on a resume, so
that a run that was killed leaves the same log as one that was not.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from sirbench.machine.atomic import atomic_file
from sirbench.training import distributed


class StepLog:
    """Appends to the log at `path`; worker 0 does, for all."""

    def __init__(self, path: Path, step: int):
        """Open the log, forgetting what it says beyond `step` steps."""
        self.path = path
        self.writes = distributed.rank() == 0
        if self.writes:
            # As bytes: what lies beyond the checkpoint may be anything, such as the zeros of a lost write.
            lines = path.read_bytes().split(b"\n") if path.exists() else []
            with atomic_file(path) as temporary:
                temporary.write_bytes(b"".join(line + b"\n" for line in lines[:step]))

    def write(self, line: Mapping[str, float]) -> None:
        """Add a line; `gradient_norm` in it is the one before clipping."""
        if self.writes:
            with self.path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
