"""`snakemake --profile slurm table3` on a real cluster: GPUs handed out, a cancelled job resumed."""

import json
import re
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.checkouts import copy_checkout, environment

LONG_CELL = Path("results/test/cells/bm25/bert/v4-top-8/seed1")
COMMAND = ["snakemake", "--profile", "slurm", "table3", "--config", "study=test"]
# The test's cluster has no accounting database, and its jobs end within seconds.
WITHOUT_ACCOUNTING = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]


def squeue(*arguments):
    done = subprocess.run(["squeue", "--noheader", *arguments], capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def running_jobs():
    """Job id, comment and GPUs of every running job."""
    return squeue("--states=R", "-O", "JobID:12,Comment:200,tres-per-job:20")


def wait_for(condition, process, seconds=400):
    """The first true value of `condition()`; fails when the workflow ends, or time runs out, before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        assert process.poll() is None, "the workflow ended before its time"
        time.sleep(0.2)
    pytest.fail(f"waited {seconds} s in vain")


@pytest.fixture(scope="module")
def finished(slurm, tmp_path_factory, pydocs_sliver):
    """The folder of a finished workflow, its output, and what was seen while it ran."""
    folder = copy_checkout(tmp_path_factory.mktemp("slurm") / "checkout", pydocs_sliver.parent)
    recipe = folder / "config/recipes/v4-top-8.yaml"
    recipe.write_text(recipe.read_text() + "epochs: [100]\n")  # long enough to be caught in the act
    seen = {"gpus": set(), "comments": set()}

    def cell_under_way():
        for _, comment, gpus in running_jobs():
            seen["comments"].add(comment)
            if "train" in comment:
                seen["gpus"].add(gpus)
        return (folder / LONG_CELL / "checkpoint/state.pt").exists()

    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [*COMMAND, *WITHOUT_ACCOUNTING],
            cwd=folder,
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(cell_under_way, process)
            cancelled = next(job for job, comment, _ in running_jobs() if "v4-top-8" in comment)
            subprocess.run(["scancel", cancelled], check=True)
            process.wait(timeout=600)
        finally:
            process.kill()
    seen["cancelled"] = cancelled
    return folder, (folder / "output").read_text(), process.returncode, seen


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
    assert cells.count("bm25-bert-v4-top-8-seed1") == 2  # cancelled, and started again
    assert len(cells) == len(set(cells)) + 1


@pytest.mark.slurm
def test_cancelled_job_resumes_from_its_checkpoint(finished):
    folder, output, _, seen = finished
    assert re.search(
        rf"Error in group cell-bm25-bert-v4-top-8-seed1\s+log: .*/{seen['cancelled']}\.log", output
    )
    assert "Trying to restart" in output
    log = (folder / "results/test/logs/train/bm25-bert-v4-top-8-seed1.log").read_text()
    resumed = int(re.search(r"resuming after (\d+) steps", log).group(1))
    assert resumed > 0
    steps = [
        json.loads(line)["step"] for line in (folder / LONG_CELL / "train.jsonl").read_text().splitlines()
    ]
    assert steps == list(range(len(steps))) and len(steps) > resumed
