"""Figure 6: every document is drawn once, as what it is, and what is missing is said."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Polygon

from sirbench.config import load
from sirbench.evaluation.space import MOMENTS
from sirbench.jobs.folders import Cell
from sirbench.reporting.figures import draw
from sirbench.reporting.figures.space import LOOKS
from tests.checkouts import ROOT

RECIPES = ["v1-top-16", "v2-top-16", "v3-top-16", "v4-top-16"]
TRACE = pd.DataFrame({"step": [0, 1], "epoch": [0, 1], "query_id": "t0", "level": 1, "ranks": [[1], [2, 3]]})


def cell(recipe):
    """A cell of study `test`."""
    return Cell("test", "bm25", "bert", recipe, 1)


def documents(query, split, trained, negatives=8):
    """A positive and so many negatives; the classifier has trained on ranks 1 to `trained[moment]`."""
    draw = np.random.default_rng(len(query) + negatives)
    lines = []
    for moment in MOMENTS:
        for rank in range(negatives + 1):
            kind = "negative" if rank else "positive"
            seen, hard = 0 < rank <= trained[moment], 0 < rank <= 2
            lines.append((query, split, f"{query}-{rank}", rank, kind, 0.1, moment, -rank, seen, hard))
    columns = [*("query_id", "split", "doc_id", "rank", "kind", "overlap", "moment", "score")]
    frame = pd.DataFrame(lines, columns=[*columns, "trained", "hardest"]).assign(front=False)
    return frame.assign(embedding=list(draw.normal(size=(len(frame), 6)).astype("float32")))


@pytest.fixture
def write_cells(tmp_path, monkeypatch):
    """Writes embeddings of the given queries, and a trace, for the given recipes of study `test`."""
    monkeypatch.chdir(tmp_path)

    def write(frames, recipes=RECIPES):
        for recipe in recipes:
            of_recipe = cell(recipe)
            of_recipe.folder.mkdir(parents=True)
            pd.concat(frames, ignore_index=True).to_parquet(of_recipe.embeddings)
            TRACE.to_parquet(of_recipe.selection)
        return load("test", ROOT / "config")

    return write


USUAL = [
    documents("t0", "train", {"start": 0, "middle": 3, "end": 5}),
    documents("t1", "train", {"start": 0, "middle": 3, "end": 5}),
    documents("d0", "dev", {"start": 0, "middle": 0, "end": 0}),
]


def drawn(panel):
    """How many points of each kind there are in a panel."""
    by_look = {(look["marker"], look["color"]): name for name, look in LOOKS.items()}
    return {by_look[line.get_marker(), line.get_color()]: len(line.get_xdata()) for line in panel.lines}


def test_a_row_per_recipe_and_a_column_per_query_and_moment(write_cells, texts):
    drawing = draw(write_cells(USUAL), "figure6")
    panels = np.reshape(drawing.canvas.axes, (4, 6))
    assert [panel.get_ylabel().split("\n")[0] for panel in panels[:, 0]] == RECIPES
    assert [panel.get_title() for panel in panels[0]] == [
        *("train query: start", "train query: middle", "train query: end"),
        *("dev query: start", "dev query: middle", "dev query: end"),
    ]
    shown = " ".join(text for text, _ in texts(drawing.canvas))
    assert "Queries: t0 (train), d0 (dev)." in shown, "t1 is there for another figure"


def test_every_document_is_drawn_once_as_what_it_is(write_cells):
    panels = np.reshape(draw(write_cells(USUAL), "figure6").canvas.axes, (4, 6))
    trained, hardest = "candidate trained on so far", "candidate scored hardest (dev)"
    for row in panels:
        assert [drawn(panel) for panel in row[:3]] == [
            {"positive": 1, "candidate": 8 - count, trained: count} for count in (0, 3, 5)
        ]
        assert [drawn(panel) for panel in row[3:]] == 3 * [{"positive": 1, "candidate": 6, hardest: 2}]


def test_panels_of_a_row_have_one_scale_and_hold_every_point(write_cells):
    drawing = draw(write_cells(USUAL), "figure6")
    for row in np.reshape(drawing.canvas.axes, (4, 6)):
        assert len({(panel.get_xlim(), panel.get_ylim()) for panel in row}) == 1
        limits = np.array([row[0].get_xlim(), row[0].get_ylim()])
        for line in (line for panel in row for line in panel.lines):
            points = np.array(line.get_data())
            assert ((limits[:, :1] < points) & (points < limits[:, 1:])).all()


def test_candidates_are_centred_where_a_projection_is_linear(write_cells):
    data = draw(write_cells(USUAL), "figure6").data
    negatives = data[data["kind"] == "negative"]
    means = negatives.groupby(["recipe", "query_id", "moment"])[["x", "y"]].mean()
    # What the projection takes away is the mean over the whole row, the same for all panels.
    assert np.ptp(means.loc["v1-top-16"].to_numpy(), axis=0) == pytest.approx([0, 0], abs=1e-6)


def test_the_same_twice_is_the_same(write_cells):
    config = write_cells(USUAL)
    assert draw(config, "figure6").data.equals(draw(config, "figure6").data)


def test_regions_are_drawn_where_there_are_enough_documents(write_cells):
    panels = np.reshape(draw(write_cells(USUAL), "figure6").canvas.axes, (4, 6))
    regions = [sum(isinstance(patch, Polygon) for patch in panel.patches) for panel in panels[0]]
    assert regions == [1, 2, 2, 2, 2, 2]


def test_what_the_front_compressor_trained_on_is_dashed(write_cells, texts):
    """In every panel of the row whose weights come from a compressor, which is V2's."""
    config = write_cells(USUAL)
    path = cell("v2-top-16").embeddings
    frame = pd.read_parquet(path)
    frame["front"] = (frame["split"] == "train") & frame["rank"].between(1, 6)
    frame.to_parquet(path)
    canvas = draw(config, "figure6").canvas
    for row, recipe in zip(np.reshape(canvas.axes, (4, 6)), RECIPES, strict=True):
        dashed = [sum(patch.get_edgecolor() == (0, 0, 0, 1) for patch in panel.patches) for panel in row]
        assert dashed == (3 * [1] + 3 * [0] if recipe == "v2-top-16" else 6 * [0])
    assert any("Dashed: of what its front compressor was trained on." in text for text, _ in texts(canvas))


def test_a_query_with_no_negatives_kept_and_one_without_any_say_so(write_cells, texts):
    nothing = {"start": 0, "middle": 0, "end": 0}
    frames = [documents("t0", "train", nothing), documents("d0", "dev", nothing, negatives=0)]
    shown = [text for text, _ in texts(draw(write_cells(frames), "figure6").canvas)]
    assert shown.count("none trained on so far") == shown.count("no candidate negatives") == 4 * 3


def test_missing_cells_are_named_and_the_others_drawn(write_cells, texts):
    drawing = draw(write_cells(USUAL, recipes=["v1-top-16", "v3-top-16"]), "figure6")
    assert len(drawing.canvas.axes) == 2 * 6
    shown = [text for text, _ in texts(drawing.canvas)]
    assert any("No result yet: v2-top-16, v4-top-16." in text for text in shown)


@pytest.mark.parametrize("name", ["figure6", "space"])
def test_no_cell_at_all(write_cells, texts, name):
    drawing = draw(write_cells(USUAL, recipes=[]), name)
    assert not drawing.canvas.axes and drawing.data.empty
    assert any("No result yet: " in text for text, _ in texts(drawing.canvas))


def test_measures_are_drawn_per_recipe_and_epoch(write_cells, texts):
    drawing = draw(write_cells(USUAL[:1]), "space")
    coverage, dynamics, rank = drawing.canvas.axes[:3]
    assert [list(line.get_ydata()) for line in coverage.lines] == 4 * [[1 / 8, 3 / 8]]
    assert [line.get_ydata()[1] for line in dynamics.lines] == 4 * [1.0]
    assert [list(line.get_ydata()) for line in rank.lines] == 4 * [[1, 2.5]]
    shown = [text for text, _ in texts(drawing.canvas)]
    assert any("No result yet: v1-random-16." in text for text in shown)
    assert set(drawing.data["recipe"]) == set(RECIPES) and len(drawing.data) == 4 * 2 * 6


def test_an_axis_goes_below_zero_only_where_a_number_does(write_cells):
    drawing = draw(write_cells(USUAL[:1]), "space")
    for panel, (measure, lines) in zip(
        drawing.canvas.axes, drawing.data.groupby("measure", sort=False), strict=True
    ):
        lowest = lines[["value", "ci_low"]].astype(float).min().min()
        assert panel.get_ylim()[0] >= 0 or lowest < 0, measure


def test_one_epoch_has_no_dynamics_and_says_so(write_cells, texts, monkeypatch):
    config = write_cells(USUAL[:1], recipes=["v1-top-16"])
    TRACE[:1].to_parquet(cell("v1-top-16").selection)
    shown = [text for text, _ in texts(draw(config, "space").canvas)]
    assert shown.count("needs a second epoch") == 1
