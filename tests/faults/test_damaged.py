"""A sample of the damaged artefacts; `make faults` reads all of them."""

from itertools import islice

from tests.faults import artefacts
from tests.faults.case import verdict

SAMPLE = 5
"""One of so many cases."""


def test_there_are_a_hundred_and_no_two_are_the_same():
    every = list(artefacts.cases())
    assert len(every) > 100
    assert len({(case.kind, case.name) for case in every}) == len(every)


def test_a_sample_is_refused_in_one_message_each(tmp_path):
    wrong = []
    for number, case in enumerate(islice(artefacts.cases(), 0, None, SAMPLE)):
        folder = tmp_path / str(number)
        folder.mkdir()
        if (found := verdict(case, folder)) != "as expected":
            wrong.append((case.kind, case.name, found))
    assert wrong == []
