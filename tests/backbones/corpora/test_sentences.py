import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirbench.backbones.corpora.sentences import LONGEST, sentences


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('He said "no." Then (he left.) 12 came.', ['He said "no."', "Then (he left.)", "12 came."]),
        ("An array, e.g. of numbers, is v1.2 of it.", ["An array, e.g. of numbers, is v1.2 of it."]),
        ("After e.g. The rule errs.", ["After e.g.", "The rule errs."]),  # as its docstring says
        (" white \n space \t. Goes ", ["white space .", "Goes"]),
        (
            " ".join(map(str, range(120))),
            [" ".join(map(str, range(a, min(a + 50, 120)))) for a in (0, 50, 100)],
        ),
        ("", []),
        (" \n", []),
    ],
)
def test_examples(paragraph, expected):
    assert list(sentences(paragraph)) == expected


@given(st.text(alphabet="ab C.!?\"') \n", max_size=400))
def test_no_word_is_lost_and_no_sentence_is_endless(paragraph):
    found = list(sentences(paragraph))
    assert " ".join(found).split() == paragraph.split()
    assert all(0 < len(one.split()) <= LONGEST for one in found)
