"""What a report counts as run: every training job, not those of cells alone."""

import json

import pytest

from sirbench.config import load
from sirbench.layout import Layout
from sirbench.reporting.ran import everything, summary
from tests.checkouts import ROOT


@pytest.fixture
def demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load("demo", ROOT / "config")


def test_backbones_and_first_stages_are_jobs_if_they_are_trained(demo):
    titles = [job.title for job in everything(demo)]
    assert titles[:7] == [
        *("backbone bert", "backbone electra", "backbone wlp", "backbone ict", "backbone prop"),
        *("first stage hdct", "first stage in-batch"),
    ]
    assert "first stage bm25" not in titles and "backbone tiny" not in titles
    assert "hdct / bert / v0" in titles and "bm25 / bert / v0" not in titles
    assert len(titles) == len(set(titles))


def test_their_time_and_losses_count(demo):
    layout = Layout("demo")
    for folder, seconds in ((layout.pretraining("bert"), 1800), (layout.learned("ance"), 5400)):
        folder.mkdir(parents=True)
        (folder / "provenance.json").write_text(json.dumps({"seconds": seconds, "gpu_seconds": seconds / 2}))
        (folder / "train.jsonl").write_text('{"step": 0, "loss": 2.5}\n')
    layout.log("train-first-stage/hdct").parent.mkdir(parents=True)
    layout.log("train-first-stage/hdct").write_text("error: no label is above 0\n")
    jobs = {job.title: job for job in everything(demo)}
    assert jobs["backbone bert"].done and jobs["first stage ance"].losses() == [2.5]
    assert jobs["first stage hdct"].state == "failed: error: no label is above 0"
    assert jobs["backbone wlp"].state == "not started"
    assert summary(list(jobs.values()))["Training time"] == "2.00 hours of jobs, 1.00 GPU-hours"
