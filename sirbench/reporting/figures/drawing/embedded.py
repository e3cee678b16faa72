"""Figures of the semantic space: the cells that they show, their embeddings, and which are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import pandas as pd
from pydantic import model_validator

from sirbench.data.frames import read_frame
from sirbench.jobs.folders import Cell
from sirbench.jobs.needs import space_cells
from sirbench.reporting.figures import Kind
from sirbench.study import Space

if TYPE_CHECKING:
    from sirbench.jobs.configuration import Configuration


class SpaceKind(Kind):
    """A figure drawn from embeddings and selection traces of cells."""

    compares_seeds: ClassVar[bool] = False
    """Whether `space.seed: every` means something to this kind."""

    space: Space
    """Cells and queries whose semantic space of negatives is shown."""

    @model_validator(mode="after")
    def _shows_one_seed(self) -> Self:
        if self.space.seed == "every" and not self.compares_seeds:
            raise ValueError(
                f"space.seed: a figure of kind {self.kind} shows one seed; name it instead of `every`"
            )
        return self

    def inputs(self, config: Configuration) -> list[Path]:
        """What is known of every cell that is shown."""
        return [path for cell in space_cells(config, self.space) for path in _files(cell)]

    def embedded(self, config: Configuration) -> list[Cell]:
        """The cells, of those that are shown, that are trained and embedded."""
        return [
            cell
            for cell in space_cells(config, self.space)
            if all(it.exists() for it in _files(cell)) and not cell.diverged
        ]

    def missing_notes(self, config: Configuration) -> list[str]:
        """A sentence that names what has no result, if anything."""
        shown, there = space_cells(config, self.space), self.embedded(config)
        if not shown:
            return [f"Study {config.name} lacks this figure's backbone, candidates or seed."]
        notes = [f"Training diverged: {cell.recipe}, {cell.diverged}." for cell in shown if cell.diverged]
        missing = dict.fromkeys(cell.recipe for cell in shown if cell not in there and not cell.diverged)
        return [f"No result yet: {', '.join(missing)}.", *notes] if missing else notes

    def embeddings(self, cell: Cell) -> pd.DataFrame:
        """Embeddings of the queries that this figure asks for; the file may have more, for other figures."""
        documents = read_frame(cell.embeddings)
        wanted = {"train": self.space.train_queries, "dev": self.space.dev_queries}
        kept = pd.Series(False, index=documents.index)
        for split, count in wanted.items():
            of_split = documents["split"] == split
            first = documents.loc[of_split, "query_id"].unique()[:count]
            kept |= of_split & documents["query_id"].isin(first)
        return documents[kept].reset_index(drop=True)


def _files(cell: Cell) -> list[Path]:
    return [cell.embeddings, cell.selection]
