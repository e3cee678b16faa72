"""Folds in a workflow: Vaswani's 93 queries, of which a few are kept, in two folds; MaxP beside it."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from sirbench.data.query_split import read_folds
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.folders import Cell
from tests.checkouts import copy_checkout, snakemake
from tests.workflow.test_workflow import planned

STUDY = {
    "title": "folded",
    "demonstration": True,
    "collection": {"dataset": "vaswani", "split": {"folds": 2}, "train_queries": 8, "dev_queries": 6},
    "candidates": {"bm25": {"first_stage": "bm25"}},
    "depth": 6,
    "backbones": {"bert": {"source": "tiny", "layers": 1, "hidden": 16, "heads": 2, "vocabulary": 500}},
    "group_sizes": {88: 6, 48: 4, 16: 3, 8: 2},
    "input": {"max_tokens": 32, "max_query_tokens": 12, "passages": "max"},
    "compute": {"gpus": 0, "chunk_tokens": 2048},
}
V0 = Cell("folded", "bm25", "bert", "v0", 1)
FOLDS = [replace(V0, fold=fold) for fold in (1, 2)]


def table(*recipes):
    """A table with a row for each recipe."""
    rows = [{"label": recipe, "backbone": "bert", "recipe": recipe} for recipe in recipes]
    return yaml.safe_dump({"title": "a", "caption": "a", "measures": ["RR@10"], "rows": rows})


@pytest.fixture(scope="module")
def finished(tmp_path_factory, caches):
    """A checkout after `snakemake one`, a table of one cell."""
    folder = copy_checkout(tmp_path_factory.mktemp("folds") / "checkout", tmp_path_factory.mktemp("data"))
    (folder / "config/studies/folded.yaml").write_text(yaml.safe_dump(STUDY))
    (folder / "config/tables/one.yaml").write_text(table("v0"))
    (folder / "config/tables/chains.yaml").write_text(table("v1-top-16", "v2-top-16"))
    done = snakemake(folder, "one", study="folded")
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


@pytest.mark.workflow
def test_every_query_is_measured_by_the_model_of_its_fold(finished):
    fold = read_folds(finished / "results/folded/collection/folds.tsv")
    whole = read_per_query(finished / V0.per_query)
    assert len(whole) == 6
    for cell in FOLDS:
        of_fold = read_per_query(finished / cell.per_query)
        assert set(of_fold.index) == {query for query in whole.index if fold[query] == cell.fold}
        pd.testing.assert_frame_equal(whole.loc[of_fold.index], of_fold)
    value = pd.read_csv(finished / "results/folded/tables/one.csv").loc[0, "value"]
    assert value == pytest.approx(whole["RR@10"].mean(), abs=1e-12)
    assert "Queries come in 2 folds" in (finished / "results/folded/tables/one.md").read_text()


@pytest.mark.workflow
def test_a_job_trains_one_model(finished):
    """Of V1 and V2 that is two cells in two folds, with the compressors of each fold: the first is shared."""
    jobs = planned(snakemake(finished, "--dry-run", "chains", study="folded").stdout)
    assert jobs["train"] == jobs["rerank"] == 2 * 2 and jobs["pool_folds"] == 2
    assert jobs["train_level"] == 2 * 3  # level 1 for both, level 2 of each


@pytest.mark.workflow
def test_what_is_there_is_not_made_again_and_a_fold_that_is_missing_is(finished):
    assert "Nothing to be done" in snakemake(finished, "--dry-run", "one", study="folded").stdout
    shutil.rmtree(finished / FOLDS[1].folder)
    (finished / V0.per_query).unlink()
    jobs = planned(snakemake(finished, "--dry-run", str(V0.per_query), study="folded").stdout)
    assert jobs["train"] == jobs["rerank"] == jobs["evaluate"] == jobs["pool_folds"] == 1
