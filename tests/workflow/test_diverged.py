"""A seed that diverges takes nothing with it: the workflow goes on, and claims are written all the same."""

import json
import shutil

import pandas as pd
import pytest
import yaml

from tests.checkouts import ROOT, copy_checkout, snakemake

BREAKS = {"loss": {"name": "breaks-down", "seed": 2, "step": 1}}
SHALLOW = {"strategy": "v1", "selection": "top", "levels": [88, 16]}
RECIPES = {
    "whole": SHALLOW,
    "broken": SHALLOW | BREAKS,  # whose first level is what diverges, and the second builds on it
    "alone": {"strategy": "v0", "levels": [2], **BREAKS},
}
CLAIMS = {
    "title": "Mine",
    "caption": "Mine.",
    "measure": "RR@10",
    "claims": {
        f"{first}-{than}": {
            "sentence": f"{first} is better than {than}.",
            "better": {"backbone": "bert", "recipe": first},
            "than": {"backbone": "bert", "recipe": than},
        }
        for first, than in (("broken", "alone"), ("broken", "whole"), ("whole", "alone"))
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pydocs_sliver):
    """After `snakemake claims claims-drawn`, in three seeds, in the second of which a loss gives NaN."""
    folder = copy_checkout(tmp_path_factory.mktemp("diverged") / "checkout", pydocs_sliver.parent)
    shutil.copytree(ROOT / "tests/plugins/losses", folder / "plugins/losses")
    for path in (folder / "config/claims").iterdir():
        path.unlink()
    (folder / "config/claims/mine.yaml").write_text(yaml.safe_dump(CLAIMS))
    for name, recipe in RECIPES.items():
        (folder / f"config/recipes/{name}.yaml").write_text(yaml.safe_dump(recipe))
    path = folder / "config/studies/test.yaml"
    study = yaml.safe_load(path.read_text()) | {"seeds": [1, 2, 3]}
    path.write_text(yaml.safe_dump(study))
    done = snakemake(folder, "results/test/claims.csv", "figures/test/claims.pdf")
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def diverged(folder, path):
    return json.loads((folder / "results/test" / path / "provenance.json").read_text())["diverged"]


@pytest.mark.workflow
def test_the_seed_that_diverged_is_a_result(folder):
    how = "at step 1 the loss is nan and the norm of its gradient nan"
    cells = "cells/bm25/bert"
    assert [diverged(folder, f"{cells}/alone/seed{seed}") for seed in (1, 2, 3)] == [None, how, None]
    assert [diverged(folder, f"{cells}/whole/seed{seed}") for seed in (1, 2, 3)] == [None, None, None]
    compressors = (folder / "results/test/levels/bm25/bert").glob("*/seed2")
    (broken,) = (path for path in compressors if diverged(folder, path))
    name = f"bm25/bert/{broken.parent.name}/seed2"
    assert diverged(folder, f"{cells}/broken/seed2") == f"its compressor {name} diverged: {how}"
    log = (folder / "results/test/logs/train/bm25-bert-alone-seed2.log").read_text()
    assert f"WARNING: bm25/bert/alone/seed2: diverged: {how}." in log


@pytest.mark.workflow
def test_claims_are_written_all_the_same(folder):
    lines = pd.read_csv(folder / "results/test/claims.csv").set_index("claim")
    assert list(lines.index) == ["broken-alone", "broken-whole", "whole-alone"]
    assert list(lines["seeds_better"]) == [2, 2, 3] and list(lines["seeds_than"]) == [2, 3, 2]
    assert lines["effect"].notna().all() and lines["p_value"].notna().all()
    assert (
        "bert/alone: 2 of 3 seeds converged (seed 2: at step 1 the loss is nan"
        in (lines.loc["whole-alone", "remarks"])
    )
    # Where both lack the same seed the others are pairs still; one that has no partner is not thrown away.
    analysis = [words.split(" seeds")[0] for words in lines["analysis"]]
    assert analysis == ["paired", "independent", "independent"]
    printed = (folder / "results/test/claims.md").read_text()
    assert "bert/broken: 2 of 3 seeds converged (seed 2: its compressor bm25/bert/level1-6-" in printed
    assert (folder / "figures/test/claims.pdf").exists()


@pytest.mark.workflow
def test_nothing_runs_again(folder):
    assert "Nothing to be done" in snakemake(folder, "--dry-run", "results/test/claims.csv").stdout
