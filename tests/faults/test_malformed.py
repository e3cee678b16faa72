"""A sample of the malformed inputs; `make faults` reads all of them."""

from itertools import islice

import pytest

from tests.faults import commands, files, settings
from tests.faults.case import Case, at_most, verdict

SAMPLE = {settings: 15, files: 10, commands: 9}
"""One of so many cases, by where they come from."""


def test_there_are_a_thousand_and_no_two_are_the_same():
    every = [case for module in SAMPLE for case in module.cases()]
    assert len(every) > 1000
    assert len({(case.kind, case.name) for case in every}) > 0.98 * len(every)  # names are shortened


@pytest.mark.parametrize("module", SAMPLE, ids=lambda it: it.__name__)
def test_a_sample_is_refused_in_one_message_each(module, tmp_path):
    wrong = []
    for number, case in enumerate(islice(module.cases(), 0, None, SAMPLE[module])):
        folder = tmp_path / str(number)
        folder.mkdir()
        if (found := verdict(case, folder)) != "as expected":
            wrong.append((case.kind, case.name, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("read", "expected", "found"),
    [
        (lambda folder: 1 / 0, "refused", "traceback: ZeroDivisionError"),
        (lambda folder: None, "refused", "wrongly accepted"),
        (lambda folder: "other", "refused or whole", "wrongly accepted"),
        (lambda folder: "whole", "refused or whole", "as expected"),
        (lambda folder: int("x"), "refused", "traceback: ValueError"),
    ],
)
def test_what_a_case_comes_to(read, expected, found, tmp_path):
    case = Case("kind", "name", lambda folder: None, read, expected, "whole")
    assert verdict(case, tmp_path).startswith(found)


def test_what_takes_too_long_is_a_hang(tmp_path, monkeypatch):
    def forever(folder):
        while True:
            pass

    monkeypatch.setattr("tests.faults.case.SLOWEST", 0.05)
    assert verdict(Case("kind", "name", lambda folder: None, forever), tmp_path) == "hang"
    with at_most(5):
        pass
