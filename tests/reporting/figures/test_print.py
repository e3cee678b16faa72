"""Figures fit for print: width, type, fonts, no label over another, the same bytes again."""

import itertools
import re

import pytest

from sirbench.reporting.figures import draw
from sirbench.steps.figure import make_figure

CASES = [(study, figure) for study in ("paper", "demo") for figure in ("figure4", "figure5")]
TABLES = {"figure4": "table2", "figure5": "table3"}
TROUBLES = [
    {},
    {"diverged": ["v3-top-16", "v4-top-16", "v3-top-8"]},
    {"left_out": ["v2-random-16", "v3-top-16", "v4-random-8"]},
]


@pytest.fixture(params=CASES, ids=["-".join(case) for case in CASES])
def case(request, write_table):
    study, figure = request.param
    config, _ = write_table(study, TABLES[figure])
    return config, figure


@pytest.mark.parametrize("trouble", TROUBLES, ids=["whole", "diverged", "left out"])
@pytest.mark.parametrize(("study", "figure"), CASES)
def test_no_text_lies_over_another_or_beyond_the_border(write_table, texts, study, figure, trouble):
    config, _ = write_table(study, TABLES[figure], **trouble)
    canvas = draw(config, figure).canvas
    shown = texts(canvas)
    width, height = canvas.get_size_inches() * canvas.dpi
    for text, box in shown:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width + 0.5 and box.y1 <= height + 0.5, text
    for (text, box), (other, other_box) in itertools.combinations(shown, 2):
        assert not box.overlaps(other_box), (text, other)


@pytest.mark.parametrize(("width", "inches"), [("column", 3.33), ("page", 7.0)])
def test_width_in_print(write_table, width, inches):
    config, _ = write_table("paper", "table2")
    figure = config.figures["figure4"].model_copy(update={"width": width})
    config.figures["figure4"] = figure
    assert draw(config, "figure4").canvas.get_figwidth() == inches


def test_a_demonstration_says_on_its_face_that_it_is_one(case, texts):
    config, _ = case
    shown = " ".join(text for text, _ in texts(draw(*case).canvas))
    assert ("these numbers mean nothing" in shown) == config.study.demonstration


def test_files_are_the_same_bytes_again_and_carry_their_fonts(case):
    from sirbench.jobs.layout import Layout

    config, name = case
    paths = [Layout(config.name).figure(name, ending) for ending in ("pdf", "png", "svg", "csv")]
    make_figure(*case)
    first = [path.read_bytes() for path in paths]
    make_figure(*case)
    assert [path.read_bytes() for path in paths] == first
    pdf, _, svg, _ = first
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
    assert re.search(rb"<text[^>]*>gain in MRR@100</text>", svg)
    assert b"<dc:date>" not in svg and b"CreationDate" not in pdf
