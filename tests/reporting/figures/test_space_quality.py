"""The figure of quality beside measures of the space: a point per cell, and what the points come to."""

import numpy as np
import pandas as pd
import pytest

from sirbench.config import load
from sirbench.evaluation.measures import write_per_query
from sirbench.evaluation.space_nulls import replayed_blocks
from sirbench.jobs.folders import Cell
from sirbench.jobs.needs import embedded_cells, space_cells
from sirbench.reporting.figures import draw
from sirbench.reporting.figures.space_measures import ROWS, block_draws
from tests.checkouts import ROOT
from tests.reporting.figures.test_space import USUAL

SEEDS = (1, 2, 3)


@pytest.fixture
def laptop():
    return load("laptop", ROOT / "config")


def all_cells(config):
    return space_cells(config, config.figures["quality"].space)


def selection(config, cell, kept):
    """The trace of a cell: the first documents of its blocks, so many, and one in the last epoch."""
    blocks = replayed_blocks("t0", 1, range(1, 9), 2, block_draws(config, cell))
    ranks = [[int(rank) for rank in block[:keep]] for block, keep in zip(blocks, (kept, 1), strict=True)]
    return pd.DataFrame({"step": [0, 1], "epoch": [0, 1], "query_id": "t0", "level": 1, "ranks": ranks})


@pytest.fixture
def write_cells(tmp_path, monkeypatch, laptop):
    """Writes embeddings, trace and measures of every cell of the figure but those left out."""
    monkeypatch.chdir(tmp_path)

    def write(left_out=()):
        draw_of = np.random.default_rng(0)
        for number, cell in enumerate(all_cells(laptop)):
            if cell.recipe in left_out:
                continue
            cell.folder.mkdir(parents=True)
            embedded = pd.concat(USUAL, ignore_index=True)
            embedded["score"] = draw_of.normal(size=len(embedded))
            embedded.to_parquet(cell.embeddings)
            selection(laptop, cell, 1 + number % 2).to_parquet(cell.selection)
            frame = pd.DataFrame(
                {"RR@100": [0.1, number / 100]}, index=pd.Index(["q1", "q2"], name="query_id")
            )
            write_per_query(frame, cell.per_query)
        return laptop

    return write


def test_it_shows_the_cells_of_table_3_in_all_seeds(laptop):
    recipes = {row.recipe for row in laptop.tables["table3"].rows} - {"v4-top-16-literal-fresh"}
    wanted = {Cell("laptop", "bm25", "bert", recipe, seed) for recipe in recipes for seed in SEEDS}
    assert set(all_cells(laptop)) == wanted
    assert wanted <= embedded_cells(laptop).keys()


def test_a_study_of_one_seed_has_no_such_figure():
    config = load("demo", ROOT / "config")
    assert all_cells(config) == []
    assert {cell.recipe for cell in embedded_cells(config)} == set(config.figures["space"].space.recipes)


@pytest.mark.parametrize("name", ["space", "figure6"])
def test_a_figure_of_one_model_s_space_cannot_show_every_seed(laptop, name):
    figure = laptop.figures[name]
    asked = figure.model_dump(exclude={"kind", "space"}) | {
        "space": figure.space.model_dump() | {"seed": "every"}
    }
    with pytest.raises(ValueError, match="shows one seed"):
        type(figure)(**asked)


def test_every_cell_is_a_point_and_every_panel_has_its_correlations(write_cells, texts):
    config = write_cells()
    drawing = draw(config, "quality")
    cells = all_cells(config)
    assert len(drawing.data) == len(cells) * len(ROWS)
    coverage = drawing.data[drawing.data["measure"] == "coverage"]
    # Of 8 candidates one or two are kept, the same in both epochs only where blocks are fixed.
    assert set(coverage["value"] * 8) <= {1, 2, 3}
    number = {cell: place for place, cell in enumerate(cells)}
    for line in coverage.itertuples():
        cell = Cell("laptop", line.candidates, line.backbone, line.recipe, line.seed)
        assert line.quality == pytest.approx((0.1 + number[cell] / 100) / 2)
    panels = drawing.canvas.axes
    assert [sum(len(it.get_xdata()) for it in panel.lines) for panel in panels] == [len(cells)] * len(ROWS)
    first = coverage.iloc[0]
    shown = " ".join(text for text, _ in texts(drawing.canvas))
    assert f"r between {first['between']:+.2f} ({first['between_low']:+.2f} to" in shown
    assert drawing.data.groupby("measure")["between"].nunique().max() == 1


def test_what_is_missing_is_named_once(write_cells, texts):
    drawing = draw(write_cells(left_out=("v1-top-16", "v0")), "quality")
    assert "No result yet: v0, v1-top-16." in " ".join(text for text, _ in texts(drawing.canvas))
    assert not set(drawing.data["recipe"]) & {"v0", "v1-top-16"}


def test_without_any_cell_there_is_a_sentence_and_no_panel(tmp_path, monkeypatch, laptop, texts):
    monkeypatch.chdir(tmp_path)
    drawing = draw(laptop, "quality")
    assert not drawing.canvas.axes and drawing.data.empty
    assert "No result yet" in " ".join(text for text, _ in texts(drawing.canvas))
