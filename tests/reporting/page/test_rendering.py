"""The page: text is escaped wherever it comes in, and sections are laid out in the order given."""

import re

import pytest
from jinja2 import UndefinedError

from sirbench.reporting.page.contents import Page, Part, Picture, Section
from sirbench.reporting.page.curves import card
from sirbench.reporting.page.rendering import render
from sirbench.reporting.tables.presentation import Grid, Number, Presentation, ShownRow

BAD = "<b>&\"'"


def hostile_page():
    """A page of every kind of section, each of its strings `BAD`."""
    printed = Presentation(
        *(BAD, BAD, BAD, BAD),
        groups=[(BAD, [BAD])],
        rows=[ShownRow(BAD, [Number(BAD, best=True, mark=BAD, spread=BAD)], rule_above=True)],
        notes=[BAD],
        stub=BAD,
        grids=[Grid(BAD, [BAD, BAD], [[BAD, BAD]], [BAD], words={BAD})],
    )
    sections = [
        Section(BAD, "tables", [Part(BAD, BAD, printed, [BAD], {BAD: BAD})]),
        Section(BAD, "figures", [Part(BAD, BAD, Picture(b"<svg/>", BAD, 3.33), [BAD], {BAD: BAD})]),
        Section(BAD, "curves", [card(BAD, {BAD: [2.0, 1.0]})]),
        Section(BAD, "unfinished", {(BAD, BAD): [1, 2]}),
        Section(BAD, "workflow", BAD),
    ]
    return Page(BAD, BAD, {BAD: BAD}, sections)


def test_text_is_escaped_in_every_section():
    html = render(hostile_page())
    assert "<b>" not in html and "&\"'" not in html
    assert html.count("&lt;b&gt;&amp;&#34;&#39;") > 40


def test_sections_come_in_their_order_and_the_contents_point_to_them():
    html = render(Page("title", "", {}, [Section(name, "workflow", "x.html") for name in ("Z", "A")]))
    assert re.findall(r"<h2>(.*?)</h2>", html) == ["Z", "A"]
    assert re.findall(r'<a href="#(.*?)">(.*?)</a>', html) == [("section-1", "Z"), ("section-2", "A")]
    assert re.findall(r'<section id="(.*?)">', html) == ["section-1", "section-2"]


def test_a_part_without_content_says_so_and_a_figure_is_wider_than_in_print():
    parts = [Part("a", "A", None, [], {}), Part("b", "B", Picture(b"<svg/>", "caption", 3.33), [], {})]
    html = render(Page("title", "", {}, [Section("Figures", "figures", parts)]))
    assert html.count("No results in this study.") == 1 and 'style="width: 4.7in"' in html


def test_a_section_that_its_template_does_not_fit_is_an_error():
    with pytest.raises(UndefinedError):
        render(Page("title", "", {}, [Section("Tables", "tables", [Picture(b"", "", 1.0)])]))
