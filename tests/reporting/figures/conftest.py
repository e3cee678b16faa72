"""Studies whose tables are written down here, so that what a figure draws can be told from them."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from sirbench.config import load
from sirbench.jobs.layout import Layout
from sirbench.reporting.figures.drawing import style
from tests.checkouts import ROOT, with_bm25_alone


@pytest.fixture(autouse=True)
def applied():
    with style.applied():
        yield


@pytest.fixture
def write_table(tmp_path, monkeypatch):
    """Writes a table's CSV: its n-th line has the value n/1000, an interval of .01 below and .02 above, and,
    where the study is comparable, a published value .005 higher."""
    monkeypatch.chdir(tmp_path)

    def write(study, name, left_out=()):
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
        published = value + 0.005 if config.study.comparable else float("nan")
        frame = frame.assign(value=value, ci_low=value - 0.01, ci_high=value + 0.02, published=published)
        path = Layout(study).table(name)
        path.parent.mkdir(parents=True)
        frame.assign(seeds=3, queries=50).to_csv(path, index=False)
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
            (text.get_text().replace("\n", " "), text.get_window_extent(renderer))
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
    """Our estimates in a panel as they are drawn: a frame of x, value, ci_low, ci_high."""

    def of(panel):
        frames = []
        for container in panel.containers:
            line, _, (bars,) = container
            ends = pd.DataFrame([(low, high) for (_, low), (_, high) in bars.get_segments()])
            frames.append(
                pd.DataFrame({"x": line.get_xdata(), "value": line.get_ydata()}).join(
                    ends.set_axis(["ci_low", "ci_high"], axis=1)
                )
            )
        return pd.concat(frames, ignore_index=True)

    return of
