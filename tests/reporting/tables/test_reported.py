"""Public checkpoints beside what others report of them: which numbers belong together, and the verdict."""

from dataclasses import replace
from math import nan
from pathlib import Path

import pandas as pd
import pytest

from sirbench.config import load
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.reported import (
    MARGIN,
    checkpoint_of,
    read_reported,
    reported_grid,
    verdict,
    with_reported,
)
from sirbench.study import FolderBackbone
from tests.checkouts import ROOT

MINILM = "cross-encoder/ms-marco-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def config():
    return load("published", ROOT / "config")


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("difference", "of_first_stages", "said"),
    [
        (0.001, 0.0, "reproduced"),
        (-MARGIN, nan, "reproduced"),
        (0.02, 0.001, "not reproduced"),
        (-0.02, nan, "not reproduced"),
        (0.02, 0.014, "other candidates"),
        (0.001, 0.014, "reproduced"),
    ],
)
def test_the_verdict(difference, of_first_stages, said):
    assert verdict(difference, of_first_stages) == said


def test_the_numbers_of_the_study_are_reported_ones(config):
    reported = read_reported()
    names = {checkpoint_of(config, name) for name in config.study.backbones}
    datasets = {config.at(on).study.collection.dev for on in ("dev", "nfcorpus")}
    assert names == set(reported["checkpoint"]) and datasets == set(reported["dataset"])
    first = reported[reported["checkpoint"] == MINILM].groupby("dataset")["value"].agg(list)
    assert first.to_dict() == {"beir/scifact/test": [0.688, 0.679], "beir/nfcorpus/test": [0.349, 0.341]}


def test_a_folder_is_called_by_the_end_of_its_path(config):
    """Where there is no network, the checkpoint is copied, and its numbers are still found."""
    spec = FolderBackbone(source="folder", path=Path("models") / MINILM)
    study = config.study.model_copy(update={"backbones": {"minilm-l6": spec}})
    assert checkpoint_of(replace(config, study=study), "minilm-l6") == MINILM
    assert checkpoint_of(config, "unknown") == ""


def test_every_report_of_a_line_is_found_and_judged(config):
    lines = pd.DataFrame(
        [
            ("MiniLM", "minilm-l6", "none", "dev", "bm25", "nDCG@10", 0.6886),
            ("MiniLM", "minilm-l6", "none", "nfcorpus", "bm25", "nDCG@10", 0.3),
            ("BGE", "bge-m3", "none", "dev", "bm25", "nDCG@20", 0.731),
            ("MiniLM, trained", "minilm-l6", "v0", "dev", "bm25", "nDCG@10", 0.688),
        ],
        columns=["row", "backbone", "recipe", "on", "candidates", "measure", "value"],
    )
    means = [("dev", "bm25", "nDCG@10", 0.676), ("nfcorpus", "bm25", "nDCG@10", 0.318)]
    first_stage = pd.DataFrame(means, columns=["on", "candidates", "measure", "first_stage_value"])
    found = with_reported(config, lines, first_stage)
    columns = ["on", "reported", "difference", "of_first_stages", "verdict_reported"]
    assert [tuple(it) for it in found[columns].round(4).itertuples(index=False)] == [
        ("dev", 0.688, 0.0006, 0.0, "reproduced"),
        ("dev", 0.679, 0.0096, 0.014, "other candidates"),
        ("nfcorpus", 0.349, -0.049, 0.0, "not reproduced"),
        ("nfcorpus", 0.341, -0.041, 0.012, "other candidates"),
    ]
    (grid,) = reported_grid(found, lambda line: line.on)
    assert grid.rows[0][:7] == ["MiniLM", "dev", "0.689", "0.688", "+0.001", "+0.000", "reproduced"]
    assert reported_grid(found.iloc[:0], lambda line: line.on) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "line 1: no column checkpoint, dataset"),
        ("{head}\nx,y,bm25,RR@10,high,0.1,s\n", "line 2: value is not a number: 'high'"),
        ("{head}\nx,y,bm25,RR@10,0.1,,s\nx,y,bm25,RR@10,0.1,?,s\n", "line 3: first_stage is not a number"),
        (None, "not readable as CSV"),
    ],
)
def test_a_file_that_is_not_as_it_should_be(tmp_path, text, said):
    path = tmp_path / "reported.csv"
    if text is not None:
        path.write_text(text.format(head="checkpoint,dataset,candidates,measure,value,first_stage,source"))
    with pytest.raises(InputError, match=rf"^{path}: {said}"):
        read_reported(path)
