"""Kind `space`: the semantic space of negatives in the classifier, from embeddings (the paper's Figure 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sirbench.evaluation.space import MOMENTS
from sirbench.reporting.figures import Drawing
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.figures.drawing.embedded import SpaceKind
from sirbench.reporting.figures.drawing.projection import project
from sirbench.reporting.figures.drawing.regions import region
from sirbench.reporting.figures.drawing.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sirbench.jobs.configuration import Configuration

REACH = {"hull": 0.56, "density": 0.75}
"""Half the side of a panel by the extent of its row's points: regions of density go beyond them."""
PANEL = 1.12
"""Inches: the height of a row of panels."""

# The colours of the paper's Figure 1, from the palette; shapes and lines differ too.
LOOKS: dict[str, Look] = {
    "positive": {
        **{"marker": "*", "markersize": 6.5, "color": "#D55E00"},
        **{"markeredgecolor": "white", "markeredgewidth": 0.3},
    },
    "candidate": {"marker": "o", "markersize": 2.2, "color": "#009E73", "markeredgewidth": 0},
    "candidate trained on so far": {
        **{"marker": "o", "markersize": 3, "color": "#E69F00"},
        **{"markeredgecolor": "black", "markeredgewidth": 0.4},
    },
    "candidate scored hardest (dev)": {
        **{"marker": "o", "markersize": 3, "color": "white"},
        **{"markeredgecolor": "#B87F00", "markeredgewidth": 0.7},
    },
}
RETRIEVAL_REGION: Look = {"facecolor": "#009E7322", "edgecolor": "#009E73", "linewidth": 0.7, "zorder": 1}
TRAINING_REGION: Look = {"facecolor": "#E69F0044", "edgecolor": "#B87F00", "linewidth": 0.9, "zorder": 1.5}
FRONT_REGION: Look = {"facecolor": "none", "edgecolor": "black", "linewidth": 0.7, "linestyle": (0, (2, 1.5))}
HARDEST_REGION: Look = {**TRAINING_REGION, "facecolor": "none", "linestyle": (0, (3, 2))}

LEGEND = {name: {"linestyle": "", **look} for name, look in LOOKS.items()}
REGIONS = {
    "hull": "convex hulls of all candidates (green) and of those marked (orange)",
    "density": "where 90 % of the density is of all candidates (green) and of those marked (orange)",
}

DOCUMENT = ["split", "query_id", "moment", "doc_id", "rank", "kind", "trained", "hardest", "front", "score"]
COLUMNS = ["recipe", *DOCUMENT, "x", "y"]


class SemanticSpace(SpaceKind):
    """A row of panels per recipe: start, middle and end of training, for each query."""

    def draw(self, config: Configuration) -> Drawing:
        """The panels, and every document in them with its place in the plane."""
        data, heads = self._placed(config)
        queries = list(data[["split", "query_id"]].drop_duplicates().itertuples(index=False, name=None))
        notes = self.missing_notes(config)
        if queries:
            names = ", ".join(f"{query} ({split})" for split, query in queries)
            front = " Dashed: of what its front compressor was trained on." if data["front"].any() else ""
            notes.append(f"Queries: {names}. Regions: {REGIONS[self.space.region]}.{front}")
        legend = LEGEND if queries else None
        canvas = style.canvas(self.width, PANEL * len(heads) + 0.2, notes, legend)
        if queries:
            columns = [(*query, moment) for query in queries for moment in MOMENTS]
            grid = canvas.subplots(len(heads), len(columns), squeeze=False)
            for row, (recipe, head) in zip(grid, heads.items(), strict=True):
                row[0].set_ylabel(head)
                _draw_row(row, data[data["recipe"] == recipe], columns, self.space.region)
            for panel, (split, _, moment) in zip(grid[0], columns, strict=True):
                panel.set_title(f"{split} query: {moment}")
        return Drawing(canvas, data)

    def _placed(self, config: Configuration) -> tuple[pd.DataFrame, dict[str, str]]:
        """Every document with its place in the plane, and the head of each recipe's row.

        A row is projected jointly, each panel's candidates being moved to a common centre before: how far
        training has moved them all together says nothing of what is selected, and would dwarf it.
        """
        parts, heads = [pd.DataFrame(columns=COLUMNS)], {}
        for cell in self.embedded(config):
            documents = self.embeddings(cell)
            points, quality = project(_centred(documents), self.space.projection, config.study.seeds[0])
            # Either sign of an axis is right: rows look alike when the positives are up and to the right.
            points *= np.where(points[documents["kind"] == "positive"].mean(axis=0) < 0, -1, 1)
            placed = documents.assign(recipe=cell.recipe, x=points[:, 0], y=points[:, 1])
            parts.append(placed[COLUMNS])
            heads[cell.recipe] = f"{cell.recipe}\n({quality})"
        return pd.concat(parts[1:] or parts, ignore_index=True), heads


def _centred(documents: pd.DataFrame) -> np.ndarray:
    """Embeddings (documents, width) with the mean of each panel's candidates taken away."""
    vectors = np.stack(documents["embedding"].to_list()).astype(np.float64)
    negative = (documents["kind"] == "negative").to_numpy()
    for panel in documents.groupby(["moment", "split", "query_id"]).indices.values():
        centre = panel[negative[panel]] if negative[panel].any() else panel
        vectors[panel] -= vectors[centre].mean(axis=0)
    return vectors


def _draw_row(
    row: Sequence[Axes], documents: pd.DataFrame, columns: Sequence[tuple[str, str, str]], how: str
) -> None:
    """The panels of one recipe, all of the same scale."""
    points = documents[["x", "y"]].to_numpy()
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, float((high - low).max()) * REACH[how] or 1.0
    keys = pd.MultiIndex.from_frame(documents[["split", "query_id", "moment"]])
    for panel, column in zip(row, columns, strict=True):
        panel.set(xticks=[], yticks=[], aspect="equal")
        panel.spines[:].set_visible(True)
        panel.set_xlim(middle[0] - reach, middle[0] + reach)
        panel.set_ylim(middle[1] - reach, middle[1] + reach)
        _draw_panel(panel, documents[keys == column], trained=column[0] == "train", how=how)


def _draw_panel(panel: Axes, documents: pd.DataFrame, trained: bool, how: str) -> None:
    """One query at one moment; what there is not is said."""
    from matplotlib.patches import Polygon

    negatives = documents[documents["kind"] == "negative"]
    marked = negatives[negatives["trained" if trained else "hardest"]]
    inner = TRAINING_REGION if trained else HARDEST_REGION
    front = negatives[negatives["front"].astype(bool)]
    for lines, look in ((negatives, RETRIEVAL_REGION), (marked, inner), (front, FRONT_REGION)):
        for outline in region(lines[["x", "y"]].to_numpy(), how):
            panel.add_patch(Polygon(outline, **look))
    for lines, name in (
        (negatives.drop(marked.index), "candidate"),
        (marked, "candidate trained on so far" if trained else "candidate scored hardest (dev)"),
        (documents[documents["kind"] == "positive"], "positive"),
    ):
        panel.plot(lines["x"], lines["y"], linestyle="", **LOOKS[name])
    if marked.empty:
        said = "none trained on so far" if len(negatives) else "no candidate negatives"
        behind = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
        words: Look = {"ha": "center", "fontsize": 6, "color": "0.3", "bbox": behind}
        panel.text(0.5, 0.04, said, transform=panel.transAxes, **words)
