"""What tables say of the study: a name in the paper's words is not taken for the paper's thing."""

import pytest

from sirbench.config import load
from sirbench.reporting.tables.study_notes import study_notes
from tests.checkouts import ROOT

SIZES = "Groups are called by the paper's sizes: where it has 88, 48, 16, 8 documents, here are 22, 12, 4, 2."
TINY = "2 layers of 128, random weights that match words"


@pytest.fixture(scope="module")
def laptop():
    return load("laptop", ROOT / "config")


def test_sizes_and_the_warm_start_are_said(laptop):
    assert study_notes(laptop, ["bert"]) == [
        SIZES,
        f"BERT is no published checkpoint: {TINY}; then 500 steps of weak supervision.",
    ]


def test_what_a_backbone_was_made_from_is_said_step_by_step(laptop):
    assert study_notes(laptop, ["tiny", "prop"])[1:] == [
        f"TINY is no published checkpoint: {TINY}.",
        f"PROP is no published checkpoint: {TINY}; then 500 steps of weak supervision; "
        "then 100 steps of PROP and MLM.",
    ]


def test_a_study_in_the_paper_s_sizes_from_published_checkpoints_says_nothing():
    paper = load("paper", ROOT / "config")
    assert study_notes(paper, ["bert", "electra"]) == []
    assert study_notes(paper, ["ict"])[0].startswith("ICT is no published checkpoint: BERT; then")


def test_a_table_of_candidates_says_nothing_of_trainings(laptop):
    assert study_notes(laptop) == []
