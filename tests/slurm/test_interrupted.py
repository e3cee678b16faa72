"""What the profile does about jobs that a cluster takes away (preempted, too long, too large), and batches.

The jobs wait and write files, nothing else. Each does harm, or waits for it, when it starts the first time.
"""

import re
from pathlib import Path

import pytest

from tests.checkouts import ROOT
from tests.slurm.running import scontrol, state, urgent, workflow

RULES = """
def growing(amount):
    return lambda wildcards, attempt: amount * attempt

rule preempted:
    output: "{partition}.preempted"
    threads: 2
    resources: slurm_partition=lambda wildcards: wildcards.partition
    shell: "bash job.sh {output} sleep 300"

rule late:
    output: "late"
    resources: runtime=growing(10)
    shell: "bash job.sh {output} sleep 300"

rule large:
    output: "large"
    resources: mem_mb=growing(700)
    shell: "bash job.sh {output} true && python large.py && touch {output}"

rule train:
    output: "{cell}.model"
    group: "cell-{cell}"
    resources: gpu=1, runtime=7
    shell: "bash job.sh {output} true"

rule evaluate:
    input: "{cell}.model"
    output: "{cell}.csv"
    group: "cell-{cell}"
    shell: "scontrol show job $SLURM_JOB_ID > {output}"
"""
JOB = """\
echo $SLURM_JOB_ID >> $1.starts
[ $(wc -l < $1.starts) -gt 1 ] || ${@:2}
touch $1
"""
LARGE = "import time; memory = b'x' * 900_000_000; time.sleep(3)"
CELLS = [f"cell{number}.csv" for number in range(4)]
TARGETS = ["requeued.preempted", "cancelled.preempted", "late", "large", *CELLS]
# As the profile says for several cells in a job.
BATCHES = ["--groups", "train=cells", "evaluate=cells", "--group-components", "cells=2"]
BATCHES += ["--set-resource-scopes", "gpu=local", "--resources", "gpu=1"]


class Interrupted:
    """The folder of a finished workflow, and the jobs of SLURM that each of its outputs was started by."""

    def __init__(self, folder: Path, output: str, code: int):
        self.folder, self.output, self.code = folder, output, code

    def starts(self, name: str) -> list[str]:
        return starts(self.folder, name)


def starts(folder: Path, name: str) -> list[str]:
    file = folder / f"{name}.starts"
    return file.read_text().split() if file.exists() else []


@pytest.fixture(scope="module")
def interrupted(slurm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("interrupted")
    for name, text in {"Snakefile": RULES, "job.sh": JOB, "large.py": LARGE}.items():
        (folder / name).write_text(text)
    waiting = ["requeued.preempted", "cancelled.preempted", "late"]
    with workflow(folder, "--profile", str(ROOT / "slurm"), *BATCHES, "--", *TARGETS) as running:
        running.wait_for("three jobs", lambda: all(starts(folder, name) for name in waiting))
        requeued, cancelled, late = (starts(folder, name)[0] for name in waiting)
        scontrol("update", f"JobId={late}", "EndTime=now+1")
        urgent("--cpus-per-task=6")
        running.start_now(requeued)
        running.wait_for("the preemption", lambda: state(cancelled) == "PREEMPTED")
        running.wait_for("Snakemake to see it", lambda: "preemption" in running.output)
        scontrol("requeue", cancelled)  # as docs/cluster.md says
        running.start_now(cancelled)
        code = running.process.wait(timeout=300)
    return Interrupted(folder, running.output, code)


@pytest.mark.slurm
def test_workflow_ends_with_every_output(interrupted):
    assert interrupted.code == 0, interrupted.output[-5000:]
    assert [name for name in TARGETS if not (interrupted.folder / name).exists()] == []


@pytest.mark.slurm
@pytest.mark.parametrize("partition", ["requeued", "cancelled"])
def test_preempted_job_is_started_again_by_slurm_itself(interrupted, partition):
    first, second = interrupted.starts(f"{partition}.preempted")
    assert first == second


@pytest.mark.slurm
def test_job_out_of_time_gets_more_on_its_next_attempt(interrupted):
    first, second = interrupted.starts("late")
    assert first != second
    assert f"SLURM-job '{first}' failed, SLURM status is: 'TIMEOUT'" in interrupted.output


@pytest.mark.slurm
def test_job_out_of_memory_gets_more_on_its_next_attempt(interrupted):
    first, second = interrupted.starts("large")
    assert first != second
    assert f"SLURM-job '{first}' failed" in interrupted.output


@pytest.mark.slurm
def test_several_cells_in_a_job_take_one_gpu_and_the_time_of_all(interrupted):
    jobs = {name: interrupted.starts(name.replace("csv", "model")) for name in CELLS}
    assert [len(started) for started in jobs.values()] == [1] * 4
    assert len({started[0] for started in jobs.values()}) == 2
    for name in CELLS:
        asked = (interrupted.folder / name).read_text()
        assert "TresPerJob=gres:gpu:1\n" in asked
        # Two trainings of 7 minutes, one after the other; evaluations of the profile's 60 minutes at once.
        assert re.search(r"TimeLimit=(\S+)", asked)[1] == "01:14:00"
