"""Kind `claims`: every claim's difference with its interval, and the paper's difference, as a forest plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sirbench.jobs import needs
from sirbench.jobs.layout import Layout
from sirbench.reporting.figures import Drawing, Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sirbench.jobs.configuration import Configuration

ROW, AROUND = 0.17, 0.6
"""Inches: of each claim, and of axis and title."""
MARKERS = {"supported": "s", "contradicted": "X", "undecided": "o"}
"""By verdict; filled where it is decided, so that black and white is enough."""
PAPER: dict[str, Any] = {
    "marker": "D",
    "markersize": 3.2,
    "color": "black",
    "markerfacecolor": "white",
    "linestyle": "",
}


class Claims(Kind):
    """A row per claim and candidates: difference, 95 % interval, and a diamond where the paper's lies."""

    def inputs(self, config: Configuration) -> list[Path]:
        """The verdicts, where the study has any claim's backbones."""
        return [Layout(config.name).claims()] if needs.claimed_conditions(config) else []

    def draw(self, config: Configuration) -> Drawing:
        """The claims in the order of their files, from top to bottom."""
        from sirbench.reporting.figures.drawing import style

        path = Layout(config.name).claims()
        lines = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["verdict", "effect_of_paper"])
        notes = [] if len(lines) else [f"Study {config.name} has no verdict on any claim yet."]
        if len(lines):
            notes.append("Squares: supported. Crosses: contradicted. Circles: undecided, or one seed alone.")
        legend = {"the paper's difference": PAPER} if lines["effect_of_paper"].notna().any() else {}
        height = ROW * len(lines) + AROUND * bool(len(lines))
        canvas = style.canvas(self.width, height, notes, legend)
        if len(lines):
            _draw(canvas.subplots(), lines, config)
        return Drawing(canvas, lines)


def _draw(panel: Axes, lines: pd.DataFrame, config: Configuration) -> None:
    from sirbench.reporting.tables.presentation import paper_name

    for place, line in enumerate(lines.to_dict("records")):
        verdict, effect = line["verdict"], line["effect"]
        face = "0.25" if verdict in ("supported", "contradicted") else "white"
        reach = [[effect - line["ci_low"]], [line["ci_high"] - effect]] if pd.notna(line["ci_low"]) else None
        look: dict[str, Any] = {"color": "0.25", "markersize": 4, "elinewidth": 0.8, "markerfacecolor": face}
        panel.errorbar(effect, place, xerr=reach, fmt=MARKERS.get(verdict, "o"), **look)
        if pd.isna(effect):
            words: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6, "color": "0.3"}
            panel.text(0.5, place, "no seed converged", transform=panel.get_yaxis_transform(), **words)
        if pd.notna(line["effect_of_paper"]):
            panel.plot(line["effect_of_paper"], place, **PAPER)
    panel.axvline(0, color="0.5", linewidth=0.7)
    titles = lines["candidates"].map(config.study.candidates_title)
    labels = [f"{claim}, {title}" for claim, title in zip(lines["claim"], titles, strict=True)]
    panel.set_yticks(range(len(lines)), labels)
    panel.set_ylim(len(lines) - 0.5, -0.5)
    panel.set_xlabel(f"difference of {paper_name(str(lines['measure'].iloc[0]))}")
