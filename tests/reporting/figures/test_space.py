"""Figure 6: every document is drawn once, as what it is, and what is missing is said."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Polygon

from sirbench.config import load
from sirbench.evaluation.embedded import OVERLAPS
from sirbench.evaluation.space import MOMENTS
from sirbench.evaluation.space_nulls import BlockDraws, replayed_blocks
from sirbench.jobs.folders import Cell
from sirbench.machine.errors import InputError
from sirbench.reporting.figures import draw
from sirbench.reporting.figures.space import LOOKS
from sirbench.reporting.figures.space_measures import MEASURED, NULLS, ROWS
from tests.checkouts import ROOT

RECIPES = ["v1-top-16", "v2-top-16", "v3-top-16", "v4-top-16"]
FIXED = ("v1-top-16", "v2-top-16")
"""Those of them whose blocks are fixed."""


def selections(recipe):
    """One negative of the first epoch's block, and two others of the second's; groups of 6, so 5 of 8."""
    draws = BlockDraws(size=6, seed=1, fixed=recipe in FIXED)
    first, second = replayed_blocks("t0", 1, range(1, 9), 2, draws)
    once = [int(first[0])]
    return [once, [int(rank) for rank in second if rank not in once][:2]]


def trace(recipe):
    """The selection trace of a cell."""
    ranks = selections(recipe)
    return pd.DataFrame({"step": [0, 1], "epoch": [0, 1], "query_id": "t0", "level": 1, "ranks": ranks})


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
            alike = (0.1, 0.2, 0.3)
            lines.append((query, split, f"{query}-{rank}", rank, kind, *alike, moment, -rank, seen, hard))
    columns = [*("query_id", "split", "doc_id", "rank", "kind", *OVERLAPS, "moment", "score")]
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
            trace(recipe).to_parquet(of_recipe.selection)
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


def lines(panel):
    """What a panel draws: by the look of the line, its values."""
    by_look = {look["marker"]: name for name, look in (("measured", MEASURED), *NULLS.items())}
    drawn = [line for line in panel.lines if line.get_marker() in by_look]
    return {by_look[line.get_marker()]: [float(y) for y in line.get_ydata()] for line in drawn}


def panels(drawing):
    """By measure and recipe."""
    recipes = list(drawing.data["recipe"].unique())
    grid = np.reshape(drawing.canvas.axes, (len(ROWS), len(recipes)))
    return {
        (measure, recipe): panel
        for measure, row in zip(ROWS, grid, strict=True)
        for recipe, panel in zip(recipes, row, strict=True)
    }


def test_measures_are_drawn_per_recipe_and_epoch_beside_their_nulls(write_cells, texts):
    drawing = draw(write_cells(USUAL[:1]), "space")
    drawn = panels(drawing)
    for recipe in RECIPES:
        coverage = lines(drawn["coverage", recipe])
        assert coverage["measured"] == [1 / 8, 3 / 8]
        assert coverage["random"][0] == pytest.approx(1 / 8) and coverage["unchanging"][0] == 1 / 8
        dynamics = lines(drawn["turnover", recipe])
        assert dynamics["measured"][1] == 1.0 and np.isnan(dynamics["measured"][0])
        first, second = selections(recipe)
        assert lines(drawn["rank", recipe])["measured"] == [np.mean(first), np.mean(second)]
    # The scorer of the start has the better ranks; of one and of two of its block the first is the same.
    fixed = lines(drawn["turnover", "v1-top-16"])
    assert fixed["unchanging"][1] == 1 - 1 / 2 and fixed["random"][1] > 0.5
    shown = [text for text, _ in texts(drawing.canvas)]
    assert any("No result yet: v1-random-16." in text for text in shown)
    assert set(drawing.data["recipe"]) == set(RECIPES) and len(drawing.data) == 4 * 2 * 9


def test_a_cell_that_diverged_is_named_and_not_drawn(write_cells, texts):
    config = write_cells(USUAL[:1], recipes=RECIPES[:2])
    cell("v1-top-16").provenance.write_text('{"diverged": "at step 3 the loss is nan"}')
    pd.DataFrame(columns=["query_id"]).to_parquet(cell("v1-top-16").embeddings)
    for figure in ("space", "figure6"):
        drawing = draw(config, figure)
        assert set(drawing.data["recipe"]) == {"v2-top-16"}
        shown = " ".join(text for text, _ in texts(drawing.canvas))
        assert "Training diverged: v1-top-16, at step 3 the loss is nan." in shown.replace("\n", " ")
        assert "v1-top-16" not in shown.split("No result yet:")[1].split(".")[0]


def test_embeddings_of_an_older_revision_are_refused(write_cells):
    config = write_cells(USUAL[:1], recipes=["v1-top-16"])
    path = cell("v1-top-16").embeddings
    pd.read_parquet(path).drop(columns=["has_positive", "within_positive"]).to_parquet(path)
    with pytest.raises(InputError, match=r"embeddings\.parquet: lacks has_positive, within_positive; delete"):
        draw(config, "space")


def test_lines_differ_without_colour():
    looks = [MEASURED, *NULLS.values()]
    assert len({look["marker"] for look in looks}) == len({str(look.get("linestyle")) for look in looks}) == 3
    assert all(look["color"] == "black" or float(look["color"]) <= 0.5 for look in looks)


def test_an_axis_goes_below_zero_only_where_a_number_does(write_cells):
    drawing = draw(write_cells(USUAL[:1]), "space")
    for (measure, _), panel in panels(drawing).items():
        numbers = drawing.data.loc[drawing.data["measure"] == measure, ["value", "ci_low", *NULLS]]
        assert panel.get_ylim()[0] >= 0 or numbers.astype(float).min().min() < 0, measure


def test_one_epoch_has_no_dynamics_and_says_so(write_cells, texts):
    config = write_cells(USUAL[:1], recipes=["v1-top-16"])
    trace("v1-top-16")[:1].to_parquet(cell("v1-top-16").selection)
    shown = [text for text, _ in texts(draw(config, "space").canvas)]
    assert shown.count("needs a second epoch") == 1


def test_no_text_lies_over_another_or_beyond_the_border(write_cells, texts):
    canvas = draw(write_cells(USUAL[:1]), "space").canvas
    shown = texts(canvas)
    width, height = canvas.get_size_inches() * canvas.dpi
    for text, box in shown:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width + 0.5 and box.y1 <= height + 0.5, text
    for (text, box), (other, other_box) in combinations(shown, 2):
        assert not box.overlaps(other_box), (text, other)
