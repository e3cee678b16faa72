"""Kind `space`: the semantic space of negatives in the classifier, from embeddings (the paper's Figure 6)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sirbench import plan
from sirbench.layout import Layout
from sirbench.reporting import style
from sirbench.reporting.figures import Drawing
from sirbench.reporting.presentation import DEMONSTRATION
from sirbench.reporting.projection import project
from sirbench.reporting.regions import region

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from sirbench.config import Configuration
    from sirbench.study import Figure, Space

NEEDS = ("space",)

MOMENTS = ("start", "middle", "end")
PANEL = 1.12
"""Inches: the height of a row of panels."""

# The colours of the paper's Figure 1, from the palette; shapes and lines differ too.
LOOKS = {
    "positive": {"marker": "*", "markersize": 6.5, "color": "#D55E00", "markeredgecolor": "white"},
    "candidate": {"marker": "o", "markersize": 2.2, "color": "#009E73", "markeredgewidth": 0},
    "candidate trained on so far": {"marker": "o", "markersize": 3, "color": "#E69F00"},
    "candidate scored hardest (dev)": {"marker": "o", "markersize": 3, "color": "white"},
}
LOOKS["positive"]["markeredgewidth"] = 0.3
LOOKS["candidate trained on so far"] |= {"markeredgecolor": "black", "markeredgewidth": 0.4}
LOOKS["candidate scored hardest (dev)"] |= {"markeredgecolor": "#B87F00", "markeredgewidth": 0.7}
RETRIEVAL_REGION = {"facecolor": "#009E7322", "edgecolor": "#009E73", "linewidth": 0.7, "zorder": 1}
TRAINING_REGION = {"facecolor": "#E69F0044", "edgecolor": "#B87F00", "linewidth": 0.9, "zorder": 1.5}
HARDEST_REGION = TRAINING_REGION | {"facecolor": "none", "linestyle": (0, (3, 2))}

LEGEND = {name: {"linestyle": "", **look} for name, look in LOOKS.items()}
REGIONS = {
    "hull": "convex hulls of all candidates (green) and of those marked (orange)",
    "density": "where 90 % of the density is of all candidates (green) and of those marked (orange)",
}

COLUMNS = ["recipe", "split", "query_id", "moment", "doc_id", "rank", "kind", "trained", "hardest", "score"]


def inputs(figure: Figure, config: Configuration) -> list[Path]:
    """Return the embeddings of every cell that is shown."""
    return [path for _, path in _cells(figure.space, config)]


def draw(figure: Figure, config: Configuration) -> Drawing:
    """Draw a row of panels per recipe: start, middle and end of training, for each query.

    A row is projected jointly, each panel's candidates being moved to a common centre before: how far
    training has moved them all together is no matter of what is selected, and would dwarf it.
    """
    space = figure.space
    cells = _cells(space, config)
    rows = {recipe: _shown(pd.read_parquet(path), space) for recipe, path in cells if path.exists()}
    projected, quality = [], {}
    for recipe, documents in rows.items():
        points, quality[recipe] = project(_centred(documents), space.projection, config.study.seeds[0])
        lines = documents.assign(recipe=recipe)[COLUMNS]
        projected.append(lines.assign(x=points[:, 0], y=points[:, 1]))
    data = (
        pd.concat(projected, ignore_index=True) if projected else pd.DataFrame(columns=[*COLUMNS, "x", "y"])
    )
    queries = list(data[["split", "query_id"]].drop_duplicates().itertuples(index=False, name=None))
    warning = DEMONSTRATION if config.study.demonstration else ""
    notes = _notes(space, config, queries, missing=[recipe for recipe, path in cells if not path.exists()])
    canvas = style.canvas(figure.width, PANEL * len(rows) + 0.2, warning, notes, LEGEND if rows else None)
    if rows:
        _panels(canvas, data, queries, quality, config, space.region)
    return Drawing(canvas, data)


def _cells(space: Space, config: Configuration) -> list[tuple[str, Path]]:
    """Recipe and embeddings of each cell that is shown."""
    layout = Layout(config.name)
    return [(cell[2], layout.cell(*cell) / "embeddings.parquet") for cell in plan.space_cells(config, space)]


def _shown(documents: pd.DataFrame, space: Space) -> pd.DataFrame:
    """The lines of the queries that the figure asks for; the file may have more, for other figures."""
    wanted = {"train": space.train_queries, "dev": space.dev_queries}
    kept = [
        part["query_id"].isin(part["query_id"].unique()[: wanted[split]])
        for split, part in documents.groupby("split", sort=False)
    ]
    return documents[pd.concat(kept).reindex(documents.index)].reset_index(drop=True)


def _centred(documents: pd.DataFrame) -> np.ndarray:
    """Embeddings (documents, width) with the mean of each panel's candidates taken away."""
    vectors = np.stack(documents["embedding"].to_list()).astype(np.float64)
    for places in documents.groupby(["moment", "split", "query_id"]).indices.values():
        negative = documents["kind"].to_numpy()[places] == "negative"
        centre = vectors[places[negative]] if negative.any() else vectors[places]
        vectors[places] -= centre.mean(axis=0)
    return vectors


def _panels(
    canvas: Canvas,
    data: pd.DataFrame,
    queries: list[tuple[str, str]],
    quality: dict[str, str],
    config: Configuration,
    how: str,
) -> None:
    grid = canvas.subplots(len(quality), len(queries) * len(MOMENTS), squeeze=False)
    for row, (recipe, words) in zip(grid, quality.items(), strict=True):
        lines = data[data["recipe"] == recipe]
        middle, reach = _square(lines[["x", "y"]].to_numpy())
        row[0].set_ylabel(f"{recipe}\n({words})")
        columns = [(split, query, moment) for split, query in queries for moment in MOMENTS]
        for panel, (split, query, moment) in zip(row, columns, strict=True):
            panel.set(xticks=[], yticks=[], aspect="equal")
            panel.spines[:].set_visible(True)
            panel.set_xlim(middle[0] - reach, middle[0] + reach)
            panel.set_ylim(middle[1] - reach, middle[1] + reach)
            here = (lines["split"] == split) & (lines["query_id"] == query) & (lines["moment"] == moment)
            _draw_panel(panel, lines[here], split, how)
    for panel, (split, _), moment in (
        (grid[0, number], queries[number // len(MOMENTS)], MOMENTS[number % len(MOMENTS)])
        for number in range(grid.shape[1])
    ):
        panel.set_title(f"{split} query: {moment}")


def _draw_panel(panel: Axes, documents: pd.DataFrame, split: str, how: str) -> None:
    """One query at one moment; what there is not is said."""
    from matplotlib.patches import Polygon

    negatives = documents[documents["kind"] == "negative"]
    marked = negatives[negatives["trained" if split == "train" else "hardest"]]
    inner = TRAINING_REGION if split == "train" else HARDEST_REGION
    for lines, look in ((negatives, RETRIEVAL_REGION), (marked, inner)):
        for outline in region(lines[["x", "y"]].to_numpy(), how):
            panel.add_patch(Polygon(outline, **look))
    for lines, name in (
        (negatives.drop(marked.index), "candidate"),
        (marked, "candidate trained on so far" if split == "train" else "candidate scored hardest (dev)"),
        (documents[documents["kind"] == "positive"], "positive"),
    ):
        panel.plot(lines["x"], lines["y"], linestyle="", **LOOKS[name])
    nothing = "no negatives" if negatives.empty else "" if len(marked) else "none trained on yet"
    panel.text(0.5, 0.03, nothing, transform=panel.transAxes, ha="center", fontsize=6, color="0.3")


def _square(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle and half the side of a square around the points."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float((high - low).max()) * 0.56 or 1.0


def _notes(
    space: Space, config: Configuration, queries: list[tuple[str, str]], missing: list[str]
) -> list[str]:
    """What the panels do not say themselves, and what is missing."""
    if not _cells(space, config):
        return [
            f"Study {config.name} lacks this figure's backbone, candidates or seed."
        ]
    notes = []
    if missing:
        notes.append(f"No result yet: {', '.join(missing)}.")
    if queries:
        names = ", ".join(f"{query} ({split})" for split, query in queries)
        notes.append(f"Queries: {names}. Regions: {REGIONS[space.region]}.")
    return notes
