"""A cell of folds: what each model is trained and measured on, and that pooling changes no number."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from sirbench.cli.options import check_fold
from sirbench.config import load
from sirbench.data import collections
from sirbench.data.query_split import read_folds
from sirbench.data.runs import read_run
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.folders import Cell
from sirbench.jobs.folds import trained_cells
from sirbench.jobs.job import compressor_of, job_of_cell
from sirbench.jobs.kept import is_kept, kept_cells
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import space_cells
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import manifest_of
from sirbench.reporting.tables.measured import is_measured, read_trainings
from sirbench.steps import training
from sirbench.steps.archives import adopt_cells, export_cells
from sirbench.steps.evaluation import evaluate_cell, evaluate_validation
from sirbench.steps.pooling import pool_folds, pool_provenance, pool_validation
from sirbench.steps.reranking import rerank_cell, rerank_validation
from tests.checkouts import ROOT
from tests.training.conftest import STUDY

CELL = Cell("small", "bm25", "bert", "v2-top-16", 1)
LAYOUT = Layout("small")
COLLECTION = {
    "dataset": "pydocs-sliver/train",
    "split": {"folds": 2},
    "train_queries": 10,
    "dev_queries": 8,
    "validation_queries": 4,
}


def write_study(folder, **changes):
    content = STUDY | {"collection": COLLECTION} | changes
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, pydocs_sliver):
    """A working folder with one cell: a chain of three trainings in either fold, measured and pooled."""
    from sirbench.jobs.job import compressors
    from sirbench.steps.backbone import fetch_backbone, tokenize
    from sirbench.steps.candidates import make_candidates
    from sirbench.steps.collection import make_collection

    folder = tmp_path_factory.mktemp("folds") / "work"
    shutil.copytree(ROOT / "config", folder / "config")
    write_study(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config = load("small")
        make_collection(config)
        make_candidates(config, "bm25")
        fetch_backbone(config, "bert")
        tokenize(config, "bert")
        for cell in trained_cells(config, CELL):
            for level in compressors(config.recipes[CELL.recipe], config.study):
                training.train_level(config, compressor_of(cell, level))
            training.train_cell(config, cell)
            for step in (rerank_cell, rerank_validation, evaluate_cell, evaluate_validation):
                step(config, cell)
        for step in (pool_provenance, pool_folds, pool_validation):
            step(config, CELL)
    return folder


@pytest.fixture(scope="module")
def loaded(finished):
    return load("small", finished / "config")


@pytest.fixture
def config(finished, loaded, monkeypatch):
    """In the folder itself, for tests that change nothing."""
    monkeypatch.chdir(finished)
    return loaded


@pytest.fixture
def copied(finished, loaded, tmp_path, monkeypatch):
    """In a copy of the folder."""
    monkeypatch.chdir(shutil.copytree(finished, tmp_path / "work"))
    return loaded


def folds_of(config):
    return trained_cells(config, CELL)


def test_every_query_is_of_either_side_and_none_of_them_is_a_validation_query(config):
    queries = {
        split: collections.load_queries(LAYOUT.queries(split)) for split in ("train", "dev", "validation")
    }
    assert [len(queries[split]) for split in queries] == [10, 8, 4]
    assert set(queries["dev"]) < set(queries["train"])  # those of the lowest sha256, here and there
    assert not set(queries["validation"]) & set(queries["train"])
    fold = read_folds(LAYOUT.folds)
    assert fold.keys() == set().union(*queries.values())
    for split in queries:
        assert {fold[query] for query in queries[split]} == {1, 2}


def test_no_model_of_a_chain_was_trained_on_a_query_that_it_is_measured_on(config):
    """By the selection traces: the level's own, and that of the level whose weights it starts from."""
    fold = read_folds(LAYOUT.folds)
    every = set(collections.load_queries(LAYOUT.queries("train")))
    for cell in folds_of(config):
        own = {query for query, number in fold.items() if number == cell.fold}
        job, chain = job_of_cell(config, cell), [cell]
        while job.weights_from:
            chain.append(compressor_of(cell, job := job.weights_from))
        assert len(chain) == 3
        for trained in chain:
            assert trained.folder.name == f"fold{cell.fold}"
            assert set(pd.read_parquet(trained.selection)["query_id"]) == every - own
            assert json.loads(trained.provenance.read_text())["fold"] == cell.fold
        measured = {"dev": cell.per_query, "validation": cell.validation_per_query}
        for split, path in measured.items():
            assert set(read_per_query(path).index) == own & set(
                collections.load_queries(LAYOUT.queries(split))
            )


def test_pooled_values_are_those_of_each_fold(config):
    for whole, of_fold, split in (
        (CELL.per_query, lambda cell: cell.per_query, "dev"),
        (CELL.validation_per_query, lambda cell: cell.validation_per_query, "validation"),
    ):
        pooled, parts = read_per_query(whole), [read_per_query(of_fold(cell)) for cell in folds_of(config)]
        assert list(pooled.index) == list(collections.load_queries(LAYOUT.queries(split)))
        assert sum(map(len, parts)) == len(pooled)
        for part in parts:
            pd.testing.assert_frame_equal(pooled.loc[part.index], part)


def test_the_run_of_a_cell_is_that_of_its_folds_and_gives_its_measures(config):
    run, parts = read_run(CELL.run), [read_run(cell.run) for cell in folds_of(config)]
    assert len(run) == sum(map(len, parts)) == 8 * 12
    for part in parts:
        query = part["query_id"].iloc[0]
        pd.testing.assert_frame_equal(
            run[run["query_id"] == query].reset_index(drop=True),
            part[part["query_id"] == query].reset_index(drop=True),
        )
    ranked = run.groupby("query_id")["doc_id"].agg(list)
    expected = {it: 1 / (docs.index(it) + 1) if it in docs else 0.0 for it, docs in ranked.items()}
    # A query of PyDocs has its positive's id.
    assert read_per_query(CELL.per_query)["RR@100"].to_dict() == pytest.approx(expected)
    described = yaml.safe_load(CELL.run_metadata.read_text())
    assert [len(one["data"]["sha256"]["training"]) > 5 for one in described["folds"]] == [True] * 2


def test_tables_and_claims_read_it_as_any_cell(config):
    assert is_measured(config, CELL) and not is_kept(CELL)
    config = replace(config, study=config.study.model_copy(update={"seeds": [1]}))
    read = read_trainings(config, CELL.condition)
    assert list(read.per_query) == [1] and len(read.queries) == 8 and not read.absent


def test_its_provenance_is_what_its_folds_share(config):
    made = json.loads(CELL.provenance.read_text())
    folds = [json.loads(cell.provenance.read_text()) for cell in folds_of(config)]
    assert made["seconds"] == pytest.approx(sum(one["seconds"] for one in folds))
    assert made["seed"] == 1 and "fold" not in made and made["diverged"] is None
    assert {"queries", "qrels", "candidates", "folds"} <= made["inputs"].keys()
    assert "negatives" in folds[0]["inputs"] and "negatives" not in made["inputs"]  # each fold has its own
    assert made["folds"].keys() == {"fold1", "fold2"}


def test_it_travels_as_any_cell(copied, tmp_path, monkeypatch):
    table = {"title": "a", "caption": "a", "measures": ["RR@100"], "baseline": CELL.recipe}
    table |= {"rows": [{"label": "V2", "backbone": "bert", "recipe": CELL.recipe}]}
    Path("config/tables/mine.yaml").write_text(yaml.safe_dump(table))
    config = load("small")
    assert export_cells(copied, tmp_path / "cells.tar.gz") == [CELL]
    shutil.copytree("config", tmp_path / "there/config")
    monkeypatch.chdir(tmp_path / "there")
    assert adopt_cells(copied, tmp_path / "cells.tar.gz") == ([CELL], [])
    assert kept_cells(config) == [CELL]


def test_a_fold_that_diverged_is_a_cell_that_did(copied):
    second = folds_of(copied)[1]
    record = json.loads(second.provenance.read_text())
    second.provenance.write_text(json.dumps(record | {"diverged": "step 3: the loss is NaN"}))
    rerank_cell(copied, second)
    evaluate_cell(copied, second)
    for step in (pool_provenance, pool_folds, pool_validation):
        step(copied, CELL)
    assert CELL.diverged == "fold2: step 3: the loss is NaN"
    for path in (CELL.per_query, CELL.validation_per_query):
        assert len(path.read_text().splitlines()) == 1


def test_measures_of_other_folds_are_not_pooled(copied):
    first, second = folds_of(copied)
    shutil.copy(first.per_query, second.per_query)
    manifest_of(second.per_query).unlink()
    with pytest.raises(
        InputError, match=r"dev\.queries\.tsv: the folds are about other queries, or about one"
    ):
        pool_folds(copied, CELL)


def test_a_killed_training_of_a_fold_is_no_other_folds_business(copied):
    """The fold is in the checkpoint's fingerprint, through settings, and its folder is its own."""
    first, second = folds_of(copied)
    assert first.checkpoint != second.checkpoint and first.job != second.job
    before = first.model.joinpath("model.safetensors").read_bytes()
    training.train_cell(copied, first)
    assert first.model.joinpath("model.safetensors").read_bytes() == before
    assert second.model.joinpath("model.safetensors").read_bytes() != before


def test_a_figure_of_a_space_has_no_cell(config):
    assert all(space_cells(config, it.space) == [] for it in config.figures.values() if it.space)


@pytest.mark.parametrize("fold", [None, 0, 3])
def test_a_fold_that_there_is_not(config, fold):
    with pytest.raises(InputError, match=rf"--fold: study small has no fold {fold}; allowed: 1, 2"):
        check_fold(config, fold)


def test_a_study_without_folds_has_none():
    config = load("test", ROOT / "config")
    check_fold(config, None)
    with pytest.raises(InputError, match=r"--fold: study test has no fold 1; allowed: none, so leave it out"):
        check_fold(config, 1)


def test_more_folds_than_queries(copied):
    from sirbench.steps.collection import make_collection

    write_study(Path(), collection=COLLECTION | {"split": {"folds": 5}})
    message = "small.yaml: collection.split.folds: only 3 of 5 folds have a validation query, .*; lower it"
    with pytest.raises(InputError, match=message):
        make_collection(load("small"))


def test_an_encoder_that_is_taken_as_it_is_goes_with_folds(copied):
    """What learns from training queries does not (tests/test_config.py)."""
    untrained = {"first_stage": "dense", "backbone": "bert", "training": {"steps": 0}}
    write_study(Path(), candidates=STUDY["candidates"] | {"dense": untrained})
    assert load("small").study.collection.folds == range(1, 3)
