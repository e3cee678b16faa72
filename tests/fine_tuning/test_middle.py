"""The model in the middle of training: kept for the cells that a figure shows, whatever kills the job."""

import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import write_study
from tests.training.jobs import Blow, cell, results, train

RECIPE = "v4-top-16"
"""Shown by config/figures/figure6.yaml; 6 steps, the middle after 3, checkpoints after 2, 4 and 6."""


def middle(folder):
    return (cell(folder, recipe=RECIPE) / "middle/model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(prepared, tmp_path_factory):
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("uninterrupted") / "work")
    ended = train(folder, recipe=RECIPE)
    assert ended.code == 0, ended.output
    return folder


def test_it_is_the_model_after_half_of_the_steps(work, uninterrupted):
    """A job that is asked to stop after three steps leaves the same weights in its checkpoint."""
    blow = Blow("sirbench.fine_tuning.task.block_gradient", 3, signal=signal.SIGTERM)
    assert train(work, recipe=RECIPE, blow=blow).code == 75
    state = torch.load(cell(work, recipe=RECIPE) / "checkpoint/state.pt", weights_only=True)
    assert state["progress"][0] == 3
    kept = load_file(cell(uninterrupted, recipe=RECIPE) / "middle/model.safetensors")
    assert kept.keys() == state["model"].keys()
    assert all(torch.equal(kept[name], state["model"][name]) for name in kept)


@pytest.mark.parametrize(
    "blow",
    [
        Blow("sirbench.fine_tuning.task.save_middle", 1, "before"),
        Blow("sirbench.fine_tuning.task.save_middle", 1),
        Blow("sirbench.training.loop.save_checkpoint", 2),  # resumes beyond the middle
        Blow("sirbench.fine_tuning.selection_trace.SelectionTrace.finish", 1),
        Blow("sirbench.steps.training.load_tokenizer", 1, "before"),  # the middle is in its place already
        Blow("sirbench.training.ending.write_provenance", 1),
    ],
    ids=str,
)
def test_killed_and_started_again(blow, work, uninterrupted):
    assert train(work, recipe=RECIPE, blow=blow).code == -signal.SIGKILL
    # What Snakemake does with the outputs of a failed job.
    shutil.rmtree(cell(work, recipe=RECIPE) / "middle", ignore_errors=True)
    ended = train(work, recipe=RECIPE)
    assert ended.code == 0, ended.output
    assert middle(work) == middle(uninterrupted)
    assert results(cell(work, recipe=RECIPE)) == results(cell(uninterrupted, recipe=RECIPE))


def test_keeping_it_changes_nothing_else(work, uninterrupted):
    for figure in ("figure6", "space", "quality"):
        (work / f"config/figures/{figure}.yaml").unlink()
    assert train(work, recipe=RECIPE).code == 0
    assert not (cell(work, recipe=RECIPE) / "middle").exists()
    assert results(cell(work, recipe=RECIPE)) == results(cell(uninterrupted, recipe=RECIPE))


def test_a_job_that_is_beyond_its_middle_when_a_figure_asks_for_it_starts_anew(work, uninterrupted):
    figures = shutil.move(work / "config/figures", work / "figures")
    (work / "config/figures").mkdir()
    shutil.copy(f"{figures}/figure4.yaml", work / "config/figures")
    blow = Blow("sirbench.fine_tuning.task.block_gradient", 5)
    assert train(work, recipe=RECIPE, blow=blow).code == -signal.SIGKILL
    shutil.copytree(figures, work / "config/figures", dirs_exist_ok=True)
    ended = train(work, recipe=RECIPE)
    assert ended.code == 0 and "training starts anew" in ended.output
    assert middle(work) == middle(uninterrupted)


@pytest.mark.parametrize(("epochs", "queries", "expected"), [(1, 9, 2), (1, 3, 1), (3, 9, 5)])
def test_the_larger_half_comes_first(epochs, queries, expected):
    from sirbench.training.schedule import Schedule

    assert Schedule(queries, per_step=4, epochs=epochs, seed=1).middle == expected


def test_a_study_of_one_epoch_has_a_middle_too(work):
    write_study(work, epochs=1)
    assert train(work, recipe=RECIPE).code == 0
    folder = cell(work, recipe=RECIPE)
    kept, final = (load_file(folder / name / "model.safetensors") for name in ("middle", "model"))
    assert any(not torch.equal(kept[name], final[name]) for name in kept), "after two of three steps"
