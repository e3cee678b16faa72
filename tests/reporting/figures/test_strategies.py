"""Figure 4: every number of the table is drawn where it belongs, and what is missing is said."""

import pytest

from sirbench.jobs.layout import Layout
from sirbench.reporting.figures import draw
from sirbench.reporting.tables.tidy import COLUMNS


def panel_of(drawing, measure, title):
    """The panel under a title, in the row of a measure."""
    rows = {"RR@100": 0, "RR@10": 1}
    columns = len(drawing.canvas.axes) // len(rows)
    titles = [panel.get_title() for panel in drawing.canvas.axes[:columns]]
    return drawing.canvas.axes[rows[measure] * columns + titles.index(title)]


@pytest.mark.parametrize("measure", ["RR@100", "RR@10"])
@pytest.mark.parametrize("candidates", ["hdct", "ance"])
def test_a_panel_shows_the_gains_and_intervals_of_its_measure_and_candidates(
    write_table, points, measure, candidates
):
    config, table = write_table("paper", "table2")
    drawing = draw(config, "figure4")
    panel = panel_of(drawing, measure, f"{candidates.upper()} Top 100")
    expected = table[(table["measure"] == measure) & (table["candidates"] == candidates)].dropna(
        subset="gain"
    )
    drawn = points(panel)
    for column in ("gain", "gain_low", "gain_high"):
        assert drawn[column].tolist() == pytest.approx(expected[column].tolist())
    names = [label.get_text() for label in drawing.canvas.axes[-1].get_xticklabels()]
    assert [names[round(x)] for x in drawn["x"]] == 2 * ["V1", "V2", "V3", "V4"]


def test_v0_is_the_line_at_zero_with_its_value_above_the_panel(write_table, texts):
    config, _ = write_table("paper", "table2")
    drawing = draw(config, "figure4")
    for panel in drawing.canvas.axes:
        (zero,) = [
            line for line in panel.lines if len(line.get_xdata()) == 2 and set(line.get_ydata()) == {0}
        ]
        assert zero.get_linestyle() == "-"
    shown = [text for text, _ in texts(drawing.canvas)]
    assert shown.count("0 is BERT V0 0.386, ELECTRA V0 0.386") == 2
    assert shown.count("0 is BERT V0 0.377, ELECTRA V0 0.377") == 2
    assert "gain in MRR@100" in shown


def test_seeds_are_short_lines_at_their_recipe(write_table, points):
    config, table = write_table("paper", "table2")
    panel = panel_of(draw(config, "figure4"), "RR@100", "HDCT Top 100")
    seeds = [line for line in panel.lines if line.get_marker() == "_"]
    expected = table[(table["measure"] == "RR@100") & (table["candidates"] == "hdct")].dropna(subset="gain")
    assert [list(line.get_ydata()) for line in seeds] == [
        pytest.approx([gain - 0.004, gain, gain + 0.004]) for gain in expected["gain"]
    ]
    assert [set(line.get_xdata()) for line in seeds] == [{x} for x in points(panel)["x"]]


@pytest.mark.parametrize(
    ("seeds", "said"), [(3, "queries and seeds together"), (1, "queries alone: they are about")]
)
def test_it_says_over_what_intervals_generalise(write_table, texts, seeds, said):
    config, _ = write_table("demo", "table2", seeds=seeds)
    shown = [text for text, _ in texts(draw(config, "figure4").canvas)]
    assert any(f"95 % intervals are over {said}" in text for text in shown)
    assert ("one seed" in shown) == (seeds > 1)


def test_a_recipe_of_fewer_seeds_says_so_at_its_point_and_why_below(write_table, texts):
    config, _ = write_table("demo", "table2", diverged=["v4-top-16"])
    shown = [text for text, _ in texts(draw(config, "figure4").canvas)]
    assert shown.count("2 of 3") == 2 * 2  # backbones by measures
    below = " ".join(shown)
    assert "BERT + V4, BM25 Top 100: 2 of 3 seeds converged (seed 2: the loss is NaN)." in below


def test_the_reading_of_eq_7_is_named(write_table, texts):
    config, frame = write_table("demo", "table2")
    shown = " ".join(text for text, _ in texts(draw(config, "figure4").canvas))
    assert "CPR" not in shown
    cpr = frame["recipe"].map({"v4-top-16": "product"})
    path = Layout("demo").table("table2")
    frame.assign(cpr=cpr).reindex(columns=COLUMNS).to_csv(path, index=False)
    shown = " ".join(text for text, _ in texts(draw(config, "figure4").canvas))
    assert "V4: CPR of Eq. 7 read as product (docs/cpr.md)." in shown


def test_the_papers_gains_stand_right_of_ours(write_table):
    config, table = write_table("paper", "table2")
    panel = panel_of(draw(config, "figure4"), "RR@100", "HDCT Top 100")
    published = [line for line in panel.lines if line.get_marker() == "D"]
    ours = [container[0] for container in panel.containers]
    here = (table["measure"] == "RR@100") & (table["candidates"] == "hdct")
    expected = table[here].dropna(subset="gain")["published_gain"]
    assert [y for line in published for y in line.get_ydata()] == pytest.approx(expected.tolist())
    for mark, our in zip(published, ours, strict=True):
        assert all(
            0 < right - left < 0.5 for left, right in zip(our.get_xdata(), mark.get_xdata(), strict=True)
        )


def test_no_published_points_where_the_study_is_not_comparable(write_table, texts):
    config, _ = write_table("demo", "table2")
    shown = [text for text, _ in texts(draw(config, "figure4").canvas)]
    assert "the paper's gain" not in shown
    assert {"BERT", "ELECTRA"} <= set(shown)


def test_a_row_without_result_says_so_in_its_place_and_below(write_table, texts):
    config, _ = write_table("demo", "table2", left_out=["v2-random-16"])
    drawing = draw(config, "figure4")
    shown = [text for text, _ in texts(drawing.canvas)]
    assert shown.count("no result") == 2 * 2  # backbones by measures
    assert "No result on BM25 candidates: BERT + V2, ELECTRA + V2." in " ".join(shown)
    assert (drawing.data["missing"] == "no result").sum() == 4


def test_a_backbone_that_the_study_lacks_is_named(write_table, texts):
    config, _ = write_table("scifact", "table2")
    shown = [text for text, _ in texts(draw(config, "figure4").canvas)]
    assert "Not in study scifact: ELECTRA." in " ".join(shown)
    assert "ELECTRA" not in shown
    assert "no result" not in shown


def test_a_study_of_which_nothing_is_measured_has_a_figure_that_says_so(tmp_path, monkeypatch, texts):
    from sirbench.config import load
    from tests.checkouts import ROOT

    monkeypatch.chdir(tmp_path)
    shown = [text for text, _ in texts(draw(load("test", ROOT / "config"), "figure4").canvas)]
    assert shown.count("no result") == 16


def test_the_csv_is_what_was_drawn(write_table):
    config, table = write_table("demo", "table2")
    data = draw(config, "figure4").data
    keys = ["row", "backbone", "recipe", "candidates", "measure"]
    assert data[keys].to_numpy().tolist() == table[keys].to_numpy().tolist()
    assert data["value"].tolist() == pytest.approx(table["value"].tolist())


@pytest.mark.parametrize(("figure", "table"), [("figure4", "table2"), ("figure5", "table3")])
def test_a_study_without_the_candidates_of_the_table_has_a_figure_that_says_so(
    write_table, texts, figure, table
):
    config, _ = write_table("demo", table)
    config.tables[table] = config.tables[table].model_copy(update={"candidates": ["other"]})
    drawing = draw(config, figure)
    shown = [text for text, _ in texts(drawing.canvas)]
    assert "Study demo has none of the candidates that are shown here." in shown
    assert drawing.data.empty
