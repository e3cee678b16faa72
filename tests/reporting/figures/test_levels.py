"""Figure 5: V3 and V4 by selection and number of levels, beside V0."""

from dataclasses import replace

import pytest

from sirbench.reporting.figures import draw


def test_points_stand_over_their_selection_in_the_colour_of_their_levels(write_table, points):
    config, table = write_table("paper", "table3")
    panel, *_, last = draw(config, "figure5").canvas.axes
    names = [label.get_text().replace("\n", " ") for label in last.get_xticklabels()]
    assert names == ["V3 Top", "V3 Random", "V4 Top", "V4 Random"]
    values = table[(table["measure"] == "RR@100") & (table["candidates"] == "hdct")].set_index("row")["value"]
    drawn = points(panel)
    assert [names[round(x)] for x in drawn["x"]] == [*names * 2, "V4 Top"]
    three, four = ([f"{name} {size}" for name in names] for size in (16, 8))
    ours = table["row"].iloc[-1]
    assert drawn["value"].tolist() == pytest.approx(values[[*three, *four, ours]].tolist())
    colors = [container[0].get_color() for container in panel.containers]
    assert len(set(colors)) == len(colors) == 3


def test_v0_is_a_line_with_its_interval_and_the_published_one_a_dotted_line(write_table):
    config, table = write_table("paper", "table3")
    panel = draw(config, "figure5").canvas.axes[0]
    v0 = table[(table["recipe"] == "v0") & (table["measure"] == "RR@100") & (table["candidates"] == "hdct")]
    lines = {
        line.get_linestyle(): line.get_ydata()[0] for line in panel.lines if len(set(line.get_xdata())) == 2
    }
    assert lines["-"] == pytest.approx(v0["value"].item())
    assert lines[":"] == pytest.approx(v0["published"].item())
    (band,) = panel.patches
    assert band.get_y() == pytest.approx(v0["ci_low"].item())
    assert band.get_y() + band.get_height() == pytest.approx(v0["ci_high"].item())


def test_the_legend_says_which_line_is_whose(write_table):
    config, _ = write_table("paper", "table3")
    (legend,) = draw(config, "figure5").canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("three levels", "four levels", "v4-top-16-literal-fresh", "V0", "V0, published", "published"),
    ]
    styles = dict(zip([text.get_text() for text in legend.get_texts()], legend.legend_handles, strict=True))
    assert (styles["V0"].get_linestyle(), styles["V0, published"].get_linestyle()) == ("-", ":")


def test_recipes_that_differ_in_something_else_go_by_their_names(write_table, points):
    config, _ = write_table("laptop", "cpr")
    figure = config.figures["figure5"].model_copy(update={"table": "cpr"})
    config = replace(config, figures={"figure5": figure})
    drawing = draw(config, "figure5")
    (legend,) = drawing.canvas.legends
    named = {text.get_text() for text in legend.get_texts()}
    assert {"v3-all-top-16-shared", "v4-top-16-literal", "v4-top-16-geometric"} <= named
    assert "three levels" not in named  # no recipe here has the defaults of all other options
    drawn = points(drawing.canvas.axes[0])
    assert len(drawn) == len(set(drawn["x"])) == 6


def test_rows_of_v1_and_v2_are_left_out(write_table):
    config, _ = write_table("demo", "table3")
    rows = draw(config, "figure5").data["row"].unique()
    assert {row.removeprefix("ours: ")[:2] for row in rows} == {"BE", "V3", "V4"}


def test_a_missing_number_of_levels_is_said(write_table, texts):
    config, _ = write_table("demo", "table3", left_out=["v4-top-8", "v0"])
    shown = [text for text, _ in texts(draw(config, "figure5").canvas)]
    assert shown.count("no result") == 2  # measures
    assert "No result on BM25 candidates: BERT, V4 Top 8." in shown
