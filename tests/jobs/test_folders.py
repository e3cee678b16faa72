"""Folders of trainings: every file has one place, and its name is written once in the package."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sirbench.jobs.folders import (
    Cell,
    Compressor,
    Condition,
    FirstStageFolder,
    PretrainingFolder,
    TrainingFolder,
)
from sirbench.jobs.job import compressor_of, compressors
from tests.checkouts import ROOT

CELL = Cell("demo", "bm25", "bert", "v4-top-16", 2)
COMPRESSOR = Compressor("demo", "bm25", "bert", "level1-22-3f2a9c1b", 2)


def test_a_cell_s_files_are_in_its_folder():
    folder = Path("results/demo/cells/bm25/bert/v4-top-16/seed2")
    assert (CELL.name, CELL.folder) == ("bm25/bert/v4-top-16/seed2", folder)
    assert CELL.job == "bm25-bert-v4-top-16-seed2"
    found = {path.name for path in (CELL.model, CELL.middle, CELL.checkpoint, CELL.run, CELL.run_metadata)}
    found |= {path.name for path in (CELL.step_log, CELL.selection, CELL.provenance, CELL.per_query)}
    assert found == {
        *("model", "middle", "checkpoint", "run.trec.gz", "run.ir_metadata.yaml"),
        *("train.jsonl", "selection.parquet", "provenance.json", "per_query.csv"),
    }
    assert CELL.embeddings == folder / "embeddings.parquet"


@pytest.mark.parametrize(
    ("made", "folder", "model"),
    [
        (CELL, "cells/bm25/bert/v4-top-16/seed2", "cells/bm25/bert/v4-top-16/seed2/model"),
        (
            COMPRESSOR,
            "levels/bm25/bert/level1-22-3f2a9c1b/seed2",
            "levels/bm25/bert/level1-22-3f2a9c1b/seed2/model",
        ),
        (FirstStageFolder("demo", "ance"), "candidates/ance/learned", "candidates/ance/learned/model"),
        (PretrainingFolder("demo", "wlp"), "pretraining/wlp", "backbones/wlp"),
    ],
    ids=["cell", "compressor", "first stage", "pre-training"],
)
def test_every_training_leaves_the_same_files(made, folder, model):
    root = Path("results/demo")
    assert made.model == root / model
    for path in (made.step_log, made.provenance, made.checkpoint, made.selection):
        assert path.parent == made.folder == root / folder


def test_a_pattern_of_snakemake_takes_a_name_s_place():
    pattern = Cell("demo", "{candidates}", "{backbone}", "{recipe}", "{seed}")
    values = {field.name: getattr(CELL, field.name) for field in fields(CELL)}
    for name in ("run", "per_query", "model", "provenance"):
        assert str(getattr(pattern, name)).format(**values) == str(getattr(CELL, name))
    assert pattern.job.format(**values) == CELL.job


def test_a_condition_has_a_cell_for_each_seed():
    condition = Condition("demo", "bm25", "bert", "v4-top-16")
    assert condition.name == "bm25/bert/v4-top-16"
    assert condition.cell(2) == CELL and CELL.condition == condition
    assert condition.cell(3) != CELL


def test_no_two_trainings_share_a_folder():
    others = [CELL, COMPRESSOR, FirstStageFolder("demo", "bm25"), PretrainingFolder("demo", "bert")]
    others += [Cell("other", "bm25", "bert", "v4-top-16", 2), CELL.condition.cell(1)]
    assert len({made.folder for made in others}) == len(others)
    assert len({made.model for made in others}) == len(others)


def test_a_compressor_is_where_its_cell_s_names_say():
    from sirbench.config import load

    config = load("demo", ROOT / "config")
    (first, *_) = compressors(config.recipes["v1-top-16"], config.study)
    made = compressor_of(CELL, first)
    assert (made.candidates, made.backbone, made.seed) == (CELL.candidates, CELL.backbone, CELL.seed)
    assert made.level == first.name and made.study == "demo"
    assert compressor_of(made, first) == made


def test_a_file_s_name_is_written_in_one_place():
    """Of what trainings leave; the workflow and every other module ask a folder for its path."""
    names = {
        Path(getattr(CELL, name)).name
        for name in vars(TrainingFolder) | vars(Cell)
        if isinstance(getattr(CELL, name, None), Path)
    }
    names = {name for name in {*names, COMPRESSOR.scored.name} if "." in name}
    assert {"per_query.csv", "provenance.json", "train.jsonl", "scored.trec.gz"} <= names
    sources = list((ROOT / "sirbench").rglob("*.py"))
    sources += [path for path in (ROOT / "workflow").rglob("*") if path.suffix in (".smk", "")]
    text = "\n".join(path.read_text() for path in sources if path.is_file())
    written = {name: len(re.findall(rf"[\"'/]{re.escape(name)}[\"']", text)) for name in names}
    assert {name: count for name, count in written.items() if count != 1} == {}
