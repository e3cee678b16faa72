"""Figure 4: every number of the table is drawn where it belongs, and what is missing is said."""

import pytest

from sirbench.reporting.figures import draw


def panel_of(drawing, measure, title):
    """The panel under a title, in the row of a measure."""
    rows = {"RR@100": 0, "RR@10": 1}
    columns = len(drawing.canvas.axes) // len(rows)
    titles = [panel.get_title() for panel in drawing.canvas.axes[:columns]]
    return drawing.canvas.axes[rows[measure] * columns + titles.index(title)]


@pytest.mark.parametrize("measure", ["RR@100", "RR@10"])
@pytest.mark.parametrize("candidates", ["hdct", "ance"])
def test_a_panel_shows_the_values_and_intervals_of_its_measure_and_candidates(
    write_table, points, measure, candidates
):
    config, table = write_table("paper", "table2")
    drawing = draw(config, "figure4")
    panel = panel_of(drawing, measure, f"{candidates.upper()} Top 100")
    expected = table[(table["measure"] == measure) & (table["candidates"] == candidates)]
    drawn = points(panel)
    for column in ("value", "ci_low", "ci_high"):
        assert drawn[column].tolist() == pytest.approx(expected[column].tolist())
    names = [label.get_text() for label in drawing.canvas.axes[-1].get_xticklabels()]
    assert [names[round(x)] for x in drawn["x"]] == 2 * ["V0", "V1", "V2", "V3", "V4"]


def test_published_points_stand_right_of_ours_in_its_colour(write_table):
    config, table = write_table("paper", "table2")
    panel = panel_of(draw(config, "figure4"), "RR@100", "HDCT Top 100")
    published = [line for line in panel.lines if line.get_marker() == "D"]
    ours = [container[0] for container in panel.containers]
    expected = table[(table["measure"] == "RR@100") & (table["candidates"] == "hdct")]["published"]
    assert [y for line in published for y in line.get_ydata()] == pytest.approx(expected.tolist())
    for mark, our in zip(published, ours, strict=True):
        assert mark.get_color() == our.get_color()
        assert all(
            0 < right - left < 0.5 for left, right in zip(our.get_xdata(), mark.get_xdata(), strict=True)
        )


def test_no_published_points_where_the_study_is_not_comparable(write_table, texts):
    config, _ = write_table("demo", "table2")
    shown = [text for text, _ in texts(draw(config, "figure4").canvas)]
    assert "published" not in shown
    assert {"BERT", "ELECTRA"} <= set(shown)


def test_a_row_without_result_says_so_in_its_place_and_below(write_table, texts):
    config, _ = write_table("demo", "table2", left_out=["v2-random-16"])
    drawing = draw(config, "figure4")
    shown = [text for text, _ in texts(drawing.canvas)]
    assert shown.count("no result") == 2 * 2  # backbones by measures
    assert "No result on BM25 candidates: BERT + V2, ELECTRA + V2." in shown
    assert (drawing.data["missing"] == "no result").sum() == 4


def test_a_backbone_that_the_study_lacks_is_named(write_table, texts):
    config, _ = write_table("scifact", "table2")
    shown = [text for text, _ in texts(draw(config, "figure4").canvas)]
    assert "Not in study scifact: ELECTRA." in shown
    assert "ELECTRA" not in shown
    assert "no result" not in shown


def test_a_study_of_which_nothing_is_measured_has_a_figure_that_says_so(tmp_path, monkeypatch, texts):
    from sirbench.config import load
    from tests.checkouts import ROOT

    monkeypatch.chdir(tmp_path)
    shown = [text for text, _ in texts(draw(load("test", ROOT / "config"), "figure4").canvas)]
    assert shown.count("no result") == 20


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
