"""Figure 5: V3 and V4 by selection and number of levels, beside V0."""

from dataclasses import replace

import pytest

from sirbench.reporting.figures import draw


def test_points_stand_over_their_selection_in_the_colour_of_their_levels(write_table, points):
    config, table = write_table("paper", "table3")
    panel, *_, last = draw(config, "figure5").canvas.axes
    names = [label.get_text().replace("\n", " ") for label in last.get_xticklabels()]
    assert names == ["V3 Top", "V3 Random", "V4 Top", "V4 Random"]
    gains = table[(table["measure"] == "RR@100") & (table["candidates"] == "hdct")].set_index("row")["gain"]
    drawn = points(panel)
    assert [names[round(x)] for x in drawn["x"]] == [*names * 2, "V4 Top"]
    three, four = ([f"{name} {size}" for name in names] for size in (16, 8))
    ours = table["row"].iloc[-1]
    assert drawn["gain"].tolist() == pytest.approx(gains[[*three, *four, ours]].tolist())
    looks = [(it[0].get_color(), it[0].get_marker(), it[0].get_markerfacecolor()) for it in panel.containers]
    assert all(len(set(of_kind)) >= 2 for of_kind in zip(*looks, strict=True))  # black and white is enough
    assert len(set(looks)) == len(looks) == 3


def test_v0_is_the_line_at_zero_with_its_value_above_the_panel(write_table, texts):
    config, _ = write_table("paper", "table3")
    drawing = draw(config, "figure5")
    shown = [text for text, _ in texts(drawing.canvas)]
    assert (shown.count("0 is V0 0.386"), shown.count("0 is V0 0.377")) == (2, 2)
    for panel in drawing.canvas.axes:
        assert [set(line.get_ydata()) for line in panel.lines if len(line.get_xdata()) == 2] == [{0}]


def test_the_legend_says_what_is_what(write_table):
    config, _ = write_table("paper", "table3")
    (legend,) = draw(config, "figure5").canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("three levels", "four levels", "v4-top-16-literal-fresh", "one seed", "the paper's gain"),
    ]


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
    assert "No result on BM25 candidates: BERT, V4 Top 8." in " ".join(shown)
