"""The paper's numbers as data."""

from pathlib import Path

import pytest

from sirbench.machine.errors import InputError
from sirbench.reporting.tables.published import read_published

PUBLISHED = Path(__file__).parents[3] / "published" / "yes-sir.csv"
HEADER = "table,label,backbone,recipe,candidates,measure,value,significant\n"
LINE = "table3,BERT,bert,v0,hdct,RR@100,0.386,no\n"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("table1", "prop", "v4-top-16", "ance", "nDCG@20"), 0.540),
        (("table2", "electra", "v4-top-16", "ance", "RR@100"), 0.463),
        (("table3", "bert", "v1-top-16", "hdct", "RR@100"), 0.319),
        (("table3", "bert", "v4-top-8", "hdct", "RR@10"), 0.440),
    ],
)
def test_numbers_as_printed_in_the_paper(place, value):
    assert read_published(PUBLISHED).loc[place, "value"] == value


def test_the_papers_daggers():
    published = read_published(PUBLISHED)
    assert not published.loc[("table3", "bert", "v0", "hdct", "RR@100"), "significant"]
    assert published.loc[("table3", "bert", "v1-top-16", "hdct", "RR@100"), "significant"]


def test_every_row_of_every_table_is_there():
    """Tables 1, 2 and 3: 6 rows x 6 columns, 10 x 4 and 13 x 4."""
    assert read_published(PUBLISHED).groupby("table").size().to_dict() == {
        "table1": 36,
        "table2": 40,
        "table3": 52,
    }


def test_there_is_nothing_of_what_the_paper_did_not_run():
    published = read_published(PUBLISHED)
    assert ("table3", "bert", "v0", "bm25", "RR@100") not in published.index
    assert ("mine", "bert", "v0", "hdct", "RR@100") not in published.index


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("table,value\ntable3,0.386\n", r"line 1: no column backbone, recipe"),
        (
            HEADER + LINE + LINE.replace("hdct", "ance").replace("0.386", "high"),
            r"line 3: value is not a number",
        ),
        (HEADER + LINE.replace("no", "maybe"), r"line 2: significant is neither"),
        (HEADER + LINE + LINE.replace("0.386", "0.387"), r"line 3: a second value"),
        ("", r"not readable as CSV"),
    ],
)
def test_mistakes_are_named_by_file_and_line(tmp_path, content, message):
    path = tmp_path / "numbers.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"numbers\.csv: " + message):
        read_published(path)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        read_published(tmp_path / "none.csv")
