"""What names and labels may be: they end up in paths, commands and spreadsheets."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sirbench.study import Input, Row, Settings
from sirbench.study.settings import GivenPath, check_label, check_name


@pytest.mark.parametrize("name", ["v0", "star+adore", "v4-top-16", "a_b", "7", "A.b", "x" * 64])
def test_a_name(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-x", "+x", "a/b", "a b", "a\n", "\na", "$(x)", "a;b", "ä", "a'", "{a}", "x" * 65]
)
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="cannot be a name"):
        check_name(name)


@pytest.mark.parametrize("label", ["BERT + V1", "1 = 1", "η@10", "e-mail", "(=)", "–"])
def test_a_label(label):
    assert check_label(label) == label


@pytest.mark.parametrize("label", ["=1+1", "+V1", "-1", "@SUM(A1)", " =1", "\t=1"])
def test_a_label_that_a_spreadsheet_would_compute(label):
    """CSV files of tables have it in a column of its own."""
    with pytest.raises(ValidationError, match=r"label\n.*to a spreadsheet, what begins with . is a formula"):
        Row(label=label, backbone="bert", recipe="v0")


@pytest.mark.parametrize("label", ["", "  ", "two\nlines", "two\rlines"])
def test_a_label_is_one_line(label):
    with pytest.raises(ValueError, match="a label is one line that is not empty"):
        check_label(label)


def test_what_is_said_of_passages_is_in_no_record_where_the_first_counts():
    """Or every cell that was trained before would be one of other settings."""
    assert Input(passages="first").model_dump() == {"max_tokens": 512, "max_query_tokens": 64}
    assert Input(passages="max").model_dump() == {**Input().model_dump(), "passages": "max"}


class Example(Settings):
    path: GivenPath = Path()
    number: int = 0
    share: float = 0.0


WRONG = {
    "number": ("1", "1_0", True, 1.0),
    "share": ("0.5", False, float("inf"), float("nan")),
    "path": ("a/" + "x" * 256, "a/" * 600),
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in WRONG for value in WRONG[key]])
def test_values_of_another_type_are_refused(key, value):
    with pytest.raises(ValidationError):
        Example.model_validate({key: value})


def test_a_whole_number_is_a_number_and_a_word_a_path():
    made = Example.model_validate({"share": 1, "path": "a/b"})
    assert made.share == 1.0 and made.path == Path("a/b")
