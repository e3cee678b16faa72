"""Embeddings and selection traces of cells as figures read them, and a word on those that are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sirbench.jobs import plan
from sirbench.jobs.layout import Layout

if TYPE_CHECKING:
    from sirbench.config import Configuration
    from sirbench.study import Space

FILES = ("embeddings.parquet", "selection.parquet")


def cell_folders(space: Space, config: Configuration) -> dict[str, Path]:
    """Return the folder of each cell that a figure shows, by recipe; none where the study has none."""
    return {cell[2]: Layout(config.name).cell(*cell) for cell in plan.space_cells(config, space)}


def read_embedded(folder: Path, space: Space) -> pd.DataFrame:
    """Return the embeddings of the queries that a figure asks for; the file may have more, for others."""
    documents = pd.read_parquet(folder / FILES[0])
    wanted = {"train": space.train_queries, "dev": space.dev_queries}
    kept = pd.Series(False, index=documents.index)
    for split, count in wanted.items():
        of_split = documents["split"] == split
        first = documents.loc[of_split, "query_id"].unique()[:count]
        kept |= of_split & documents["query_id"].isin(first)
    return documents[kept].reset_index(drop=True)


def is_there(folder: Path) -> bool:
    """Whether a cell is trained and embedded."""
    return all((folder / name).exists() for name in FILES)


def missing_notes(space: Space, config: Configuration) -> list[str]:
    """Return a sentence that names what there is no result of, if anything."""
    folders = cell_folders(space, config)
    if not folders:
        return [f"Study {config.name} lacks this figure's backbone, candidates or seed."]
    missing = [recipe for recipe, folder in folders.items() if not is_there(folder)]
    return [f"No result yet: {', '.join(missing)}."] if missing else []
