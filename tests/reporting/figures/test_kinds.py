"""Kinds of figures as plug-ins: a new one is one file."""

import shutil
from pathlib import Path

import pytest

from sirbench.config import load
from sirbench.jobs.layout import Layout
from sirbench.reporting.figures import KINDS
from sirbench.steps.figure import make_figure
from tests.checkouts import ROOT

TOY = '''
import pandas as pd

from sirbench.reporting.figures import Drawing, Kind
from sirbench.reporting.figures.drawing import style


class Dots(Kind):
    """As many dots as it is told."""

    dots: int
    """How many."""

    def inputs(self, config):
        return []

    def draw(self, config):
        data = pd.DataFrame({"x": range(self.dots)})
        canvas = style.canvas(self.width, 1)
        canvas.subplots().plot(data["x"], data["x"], "o")
        return Drawing(canvas, data)
'''
FIGURE = "kind: red-dots\ntitle: Dots\ncaption: Dots.\ndots: 3\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with config/, a kind of the user's own, and a figure of that kind."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    plugin = tmp_path / "plugins/figures/red_dots.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(TOY)
    (tmp_path / "config/figures/mine.yaml").write_text(FIGURE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_kind_is_one_file(folder):
    config = load("test")
    make_figure(config, "mine")
    assert Layout("test").figure("mine", "csv").read_text() == "x\n0\n1\n2\n"
    assert Layout("test").figure("mine", "svg").exists()
    # A warning of its own it draws none, and has it all the same.
    assert "DEMONSTRATION ONLY" in Layout("test").figure("mine", "svg").read_text()
    assert config.figures["mine"].kind == "red-dots"
    assert config.figures["mine"].source == folder / "plugins/figures/red_dots.py"


def test_the_suites_own_kinds(write_table):
    config, _ = write_table("test", "table2")
    assert KINDS.names() == [
        *("claims", "depths", "levels", "space", "space-measures", "space-quality", "strategies"),
    ]
    assert config.figures["figure4"].source == ROOT / "sirbench/reporting/figures/strategies.py"
    assert config.figures["figure4"].inputs(config) == [Path("results/test/tables/table2.csv")]
