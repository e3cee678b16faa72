"""What a report counts as run: every training job, not those of cells alone."""

import json
import os

import pytest

from sirbench.config import load
from sirbench.jobs.folders import Cell
from sirbench.jobs.layout import Layout
from sirbench.reporting.page.ran import everything, summary
from tests.checkouts import ROOT

CELL = Cell("demo", "hdct", "bert", "v0", 1)


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
    for trained, seconds in ((layout.pretraining("bert"), 1800), (layout.learned("ance"), 5400)):
        trained.folder.mkdir(parents=True)
        trained.provenance.write_text(json.dumps({"seconds": seconds, "gpu_seconds": seconds / 2}))
        trained.step_log.write_text('{"step": 0, "loss": 2.5}\n')
    log = layout.log("train-first-stage", "hdct")
    log.parent.mkdir(parents=True)
    log.write_text("error: no label is above 0\n")
    jobs = {job.title: job for job in everything(demo)}
    assert jobs["backbone bert"].done and jobs["first stage ance"].losses() == [2.5]
    assert jobs["first stage hdct"].state == "failed: error: no label is above 0"
    assert jobs["backbone wlp"].state == "not started"
    assert summary(list(jobs.values()))["Training time"] == "2.00 hours of jobs, 1.00 GPU-hours"


def test_a_training_that_diverged_is_done_and_says_how(demo):
    trained = Layout("demo").pretraining("bert")
    trained.folder.mkdir(parents=True)
    for how, state in (("at step 3 the loss is nan", "diverged: at step 3 the loss is nan"), (None, "done")):
        trained.provenance.write_text(json.dumps({"diverged": how}))
        job = {job.title: job for job in everything(demo)}["backbone bert"]
        assert (job.done, job.state) == (True, state)


def test_a_cell_that_is_trained_and_not_measured_is_said_to_be(demo):
    layout = Layout("demo")
    CELL.checkpoint.mkdir(parents=True)  # it stays until the cell is measured
    log = layout.log("train", CELL.job)
    log.parent.mkdir(parents=True)
    log.write_text("")

    def state():
        return {job.title: job.state for job in everything(demo)}["hdct / bert / v0"]

    assert state() == "stopped at a checkpoint, from which it resumes"
    CELL.provenance.write_text("{}")
    assert state() == "trained, not measured"
    failed = layout.log("rerank", CELL.job)
    failed.parent.mkdir(parents=True)
    failed.write_text("error: the model has collapsed\n")
    os.utime(log, (0, 0))
    assert state() == "failed: error: the model has collapsed"


def test_measures_from_before_a_recipe_changed_are_not_done(demo):
    layout = Layout("demo")
    CELL.folder.mkdir(parents=True)
    CELL.per_query.write_text("query_id,RR@10\n")
    CELL.provenance.write_text('{"job": {"epochs": 7}}')
    for verb in ("train", "evaluate"):
        layout.log(verb, CELL.job).parent.mkdir(parents=True)
        layout.log(verb, CELL.job).write_text("")
    job = {job.title: job for job in everything(demo)}["hdct / bert / v0"]
    assert (job.done, job.state) == (False, "measured before the study or its recipe changed")
