import pytest

from sirbench.data.numbers import finite_number, whole_number


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-12", -12), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_whole_numbers(text, value):
    assert whole_number(text) == value


@pytest.mark.parametrize(
    "text", ["", "1_0", "+1", " 1", "1 ", "1.0", "1e3", "１", "0x1", "9" * 19, "9" * 5000, "x"]
)
def test_what_is_no_whole_number(text):
    with pytest.raises(ValueError, match="is not a whole number"):
        whole_number(text)


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0.0), ("-1.5", -1.5), ("+2", 2.0), (".5", 0.5), ("5.", 5.0), ("1E-3", 0.001)]
)
def test_numbers(text, value):
    assert finite_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", ".", "1_0", "1,5", "nan", "inf", "-Infinity", "1e999", "１.５", "1e", "0x1", "9" * 5000 + "x"],
)
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="is not a finite number"):
        finite_number(text)
