"""Studies whose tables are written down here, so that what a figure draws can be told from them."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from sirbench.config import load
from sirbench.jobs.layout import Layout
from sirbench.reporting.figures.drawing import style
from sirbench.reporting.tables.tidy import COLUMNS
from tests.checkouts import ROOT, with_bm25_alone

SEEDS = (-0.004, 0.0, 0.004)
REASON = "the loss is NaN"


@pytest.fixture(autouse=True)
def applied():
    with style.applied():
        yield


@pytest.fixture
def write_table(tmp_path, monkeypatch):
    """Writes a table's CSV: its n-th line has the value n/1000, and, where it has a baseline, a gain .01
    below that with an interval of .01 below and .02 above, three seeds .004 apart, and, where the study is
    comparable, a published gain .005 higher. Of recipes that `diverged` one seed has no model."""
    monkeypatch.chdir(tmp_path)

    def write(study, name, left_out=(), seeds=3, diverged=()):
        config = load(study, ROOT / "config")
        config = config if config.study.comparable else with_bm25_alone(config)
        table = config.tables[name]
        lines = [
            (row.label, row.backbone, row.recipe, candidates, measure)
            for row in table.rows
            if row.backbone in config.study.backbones and row.recipe not in left_out
            for candidates in config.study.columns
            for measure in table.measures
        ]
        frame = pd.DataFrame(lines, columns=["row", "backbone", "recipe", "candidates", "measure"])
        value = frame.index / 1000
        frame = frame.assign(value=value, ci_low=value - 0.01, ci_high=value + 0.02, seeds=seeds, queries=50)
        own = frame["recipe"] == table.baseline
        gain = (value - 0.01).where(~own)
        compared = {"baseline": "v0", "gain_over": "queries and seeds" if seeds > 1 else "queries"}
        frame = frame.assign(
            **{name: pd.Series(text, frame.index).mask(own) for name, text in compared.items()}
        )
        frame = frame.assign(gain=gain, gain_low=gain - 0.01, gain_high=gain + 0.02)
        frame["baseline_value"] = (frame["measure"] == "RR@10").map({True: 0.377, False: 0.386})
        frame["gain_of_seeds"] = [" ".join(f"{it + apart:.4f}" for apart in SEEDS[:seeds]) for it in gain]
        frame["published_gain"] = gain + 0.005 if config.study.comparable else float("nan")
        fewer = frame["recipe"].isin(diverged) if diverged else pd.Series(False, frame.index)
        frame["diverged"] = fewer.map({True: f"2 of 3 seeds converged (seed 2: {REASON})", False: ""})
        path = Layout(study).table(name)
        path.parent.mkdir(parents=True)
        frame.reindex(columns=COLUMNS).to_csv(path, index=False)
        return config, frame

    return write


@pytest.fixture
def texts():
    """Every text of a figure, lines joined, and where it is laid out: (text, extent in pixels)."""

    def of(canvas):
        renderer = FigureCanvasAgg(canvas).get_renderer()
        canvas.draw(renderer)
        out_of_view = [label for panel in canvas.axes for label in labels_out_of_view(panel)]
        return [
            (" ".join(text.get_text().split()), text.get_window_extent(renderer))
            for text in canvas.findobj(Text)
            if text.get_visible() and text.get_text().strip() and text not in out_of_view
        ]

    return of


def labels_out_of_view(panel):
    """Labels of ticks beyond the limits, which matplotlib keeps but does not draw."""
    for axis in (panel.xaxis, panel.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


@pytest.fixture
def points():
    """Our gains in a panel as they are drawn: a frame of x, gain, gain_low, gain_high."""

    def of(panel):
        frames = []
        for container in panel.containers:
            line, _, (bars,) = container
            ends = pd.DataFrame([(low, high) for (_, low), (_, high) in bars.get_segments()])
            frames.append(
                pd.DataFrame({"x": line.get_xdata(), "gain": line.get_ydata()}).join(
                    ends.set_axis(["gain_low", "gain_high"], axis=1)
                )
            )
        return pd.concat(frames, ignore_index=True)

    return of
