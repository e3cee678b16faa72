"""The table `firststage` on public collections: BM25 through the whole path, from queries to the CSV."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from sirbench.config import load
from sirbench.jobs.layout import Layout
from sirbench.steps.candidates import make_candidates
from sirbench.steps.collection import make_collection
from sirbench.steps.evaluation import evaluate_candidates
from sirbench.steps.table import make_table
from tests.checkouts import ROOT


@pytest.mark.usefixtures("caches")
@pytest.mark.parametrize(("study", "published"), [("scifact", 0.676), ("nfcorpus", 0.318)])
def test_bm25_has_its_published_ndcg_in_the_table(study, published, tmp_path, monkeypatch):
    """Published: BM25 with k1=.9, b=.4 and stemming."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    whole = load(study)
    # The others take a GPU, or hours.
    alone = {"candidates": {"bm25": whole.study.candidates["bm25"]}, "reranked": None}
    config = replace(whole, study=whole.study.model_copy(update=alone))
    make_collection(config)
    make_candidates(config, "bm25")
    evaluate_candidates(config, "bm25")
    make_table(config, "firststage")
    table = pd.read_csv(Layout(study).table("firststage"), keep_default_na=False)
    bm25 = table[table["candidates"] == "bm25"].set_index("measure")
    assert float(bm25.loc["nDCG@10", "value"]) == pytest.approx(published, abs=0.01)
    assert list(bm25.index) == ["RR@10", "RR@100", "nDCG@10", "R@100"]
    assert set(bm25["queries"]) == {{"scifact": 300, "nfcorpus": 323}[study]}
    assert "Not tested: bm25 is the only first stage" in Layout(study).table("firststage", "md").read_text()
