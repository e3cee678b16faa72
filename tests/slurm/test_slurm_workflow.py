"""`snakemake --profile slurm table3` on a real cluster: GPUs handed out, a preempted training resumed."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.checkouts import copy_checkout, snakemake
from tests.slurm.running import squeue, urgent, workflow

LONG_CELL = Path("results/test/cells/bm25/bert/v4-top-8/seed1")


@pytest.fixture(scope="module")
def finished(slurm, tmp_path_factory, pydocs_sliver):
    """The folder of a finished workflow, its output, and what was seen while it ran."""
    folder = copy_checkout(tmp_path_factory.mktemp("slurm") / "checkout", pydocs_sliver.parent)
    recipe = folder / "config/recipes/v4-top-8.yaml"
    recipe.write_text(recipe.read_text() + "epochs: [100]\n")  # long enough to be caught in the act
    study = folder / "config/studies/test.yaml"
    study.write_text(study.read_text().replace("mem_mb: 500", "mem_mb: 2000"))  # this cluster counts
    # Snakemake looks ever less often whether a job has ended, so that a chain of them takes minutes on a slow
    # machine: what comes before the cells is made without the cluster.
    made = snakemake(folder, "table3", "--until", "tokenize", "make_candidates")
    assert made.returncode == 0, made.stdout
    seen = {"gpus": set()}

    def cell_under_way():
        """The job of the long cell, once it has a checkpoint."""
        jobs = squeue("--states=R", "-O", "JobID:12,Comment:200,tres-per-job:20")
        seen["gpus"] |= {gpus for _, comment, gpus in jobs if "train" in comment}
        if (folder / LONG_CELL / "checkpoint/state.pt").exists():
            return next((job for job, comment, _ in jobs if "v4-top-8" in comment), "")
        return ""

    def preempted():
        """Jobs that SLURM has taken back and will start in two minutes."""
        waiting = squeue("--states=PD", "--partition=requeued", "--format=%i %r")
        return [job for job, *why in waiting if why == ["BeginTime"]]

    # The profile's default resources, which these replace, and the partition.
    preemptible = ["--default-resources", "mem_mb=4000", "runtime=60", "slurm_partition=requeued"]
    with workflow(folder, "table3", "--profile", "slurm", "--config", "study=test", *preemptible) as running:
        long = running.wait_for("the checkpoint of a cell", cell_under_way)
        urgent("--gpus=2")
        running.wait_for("its preemption", lambda: long in preempted())
        for job in preempted():
            running.start_now(job)
        code = running.process.wait(timeout=600)
    return folder, running.output, code, seen


@pytest.mark.slurm
def test_workflow_ends_right(finished):
    folder, output, code, _ = finished
    assert code == 0, output[-5000:]
    table = pd.read_csv(folder / "results/test/tables/table3.csv")
    assert table["row"].nunique() == 14
    assert table["value"].between(0, 1).all()


@pytest.mark.slurm
def test_training_jobs_get_a_gpu_each(finished):
    _, _, _, seen = finished
    assert seen["gpus"] == {"gres:gpu:1"}


@pytest.mark.slurm
def test_every_cell_is_one_job(finished):
    folder, output, _, _ = finished
    submitted = re.findall(r"submitted with SLURM jobid (\d+) \(log: .*/group_cell-(\S+?)_evaluate", output)
    cells = [cell for _, cell in submitted]
    assert sorted(set(cells)) == sorted(
        f"bm25-bert-{folder.name}-seed1" for folder in (folder / "results/test/cells/bm25/bert").iterdir()
    )
    assert len(cells) == len(set(cells))  # SLURM itself started those again that it had preempted


@pytest.mark.slurm
def test_preempted_training_resumes_from_its_checkpoint(finished):
    folder, *_ = finished
    log = (folder / "results/test/logs/train/bm25-bert-v4-top-8-seed1.log").read_text()
    resumed = int(re.search(r"resuming after (\d+) steps", log).group(1))
    assert resumed > 0
    steps = [
        json.loads(line)["step"] for line in (folder / LONG_CELL / "train.jsonl").read_text().splitlines()
    ]
    assert steps == list(range(len(steps))) and len(steps) > resumed
