"""A seed that diverges takes nothing with it: the workflow goes on, and claims are written all the same."""

import json
import shutil

import pandas as pd
import pytest
import yaml

from tests.checkouts import ROOT, copy_checkout, snakemake

CHAINED = {
    "strategy": "v1",
    "selection": "top",
    "levels": [88, 16],
    "loss": {"name": "breaks-down", "seed": 2, "step": 1},
}
CLAIM = {
    "sentence": "Chained is better than V0.",
    "better": {"backbone": "bert", "recipe": "chained"},
    "than": {"backbone": "bert", "recipe": "v0"},
}
HOW = "at step 1 the loss is nan and the norm of its gradient nan"
CLAIMS = "results/test/claims.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pydocs_sliver):
    """With claims on two recipes in three seeds, in the second of which the loss of one gives NaN."""
    folder = copy_checkout(tmp_path_factory.mktemp("diverged") / "checkout", pydocs_sliver.parent)
    shutil.copytree(ROOT / "tests/plugins/losses", folder / "plugins/losses")
    for path in (folder / "config/claims").iterdir():
        path.unlink()
    family = {"title": "Mine", "caption": "Mine.", "measure": "RR@10", "claims": {"mine": CLAIM}}
    (folder / "config/claims/mine.yaml").write_text(yaml.safe_dump(family))
    (folder / "config/recipes/chained.yaml").write_text(yaml.safe_dump(CHAINED))
    path = folder / "config/studies/test.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"seeds": [1, 2, 3]}))
    done = snakemake(folder, CLAIMS, "figures/test/claims.pdf")
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def diverged(folder):
    """By seed, what the provenance beside seed1, seed2 and seed3 in a folder says."""
    said = (json.loads((folder / f"seed{seed}/provenance.json").read_text()) for seed in (1, 2, 3))
    return [each["diverged"] for each in said]


@pytest.mark.workflow
def test_the_seed_that_diverged_is_a_result(folder):
    results = folder / "results/test"
    (level,) = (results / "levels/bm25/bert").iterdir()
    assert diverged(level) == [None, HOW, None]
    inherited = f"its compressor bm25/bert/{level.name}/seed2 diverged: {HOW}"
    assert diverged(results / "cells/bm25/bert/chained") == [None, inherited, None]
    assert diverged(results / "cells/bm25/bert/v0") == [None, None, None]
    log = (results / "logs/train/bm25-bert-chained-seed2.log").read_text()
    assert f"WARNING: bm25/bert/chained/seed2: diverged: {inherited}. This is a result" in log


@pytest.mark.workflow
def test_claims_are_written_all_the_same(folder):
    (line,) = pd.read_csv(folder / CLAIMS).to_dict("records")
    assert (line["seeds_better"], line["seeds_than"], line["analysis"]) == (2, 3, "independent seeds")
    assert line["verdict"] == "two seeds: too few to judge a recipe by"
    assert line["ci_low"] <= line["effect"] <= line["ci_high"]
    assert line["remarks"].startswith(
        "bert/chained: 2 of 3 seeds converged (seed 2: its compressor bm25/bert"
    )
    printed = (folder / "results/test/claims.md").read_text()
    assert f"On bm25: {line['remarks']}." in printed and "6 dev queries, 2 or 3 seeds." in printed
    assert (folder / "figures/test/claims.pdf").exists()


@pytest.mark.workflow
def test_what_diverged_does_not_run_again(folder):
    assert "Nothing to be done" in snakemake(folder, "--dry-run", CLAIMS).stdout
