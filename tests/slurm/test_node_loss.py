"""A node that crashes: its slurmd and the job are gone, and SLURM starts the job again."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.checkouts import ROOT
from tests.slurm.running import scontrol, workflow

RULES = """
rule lost:
    output: "lost"
    shell: "echo $SLURM_JOB_ID >> starts; [ $(wc -l < starts) -gt 1 ] || sleep 300; touch {output}"
"""


def processes_of(job: str) -> list[int]:
    """The processes on this node that belong to a job of SLURM, those that watch over it included."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            command, variables = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:
            continue
        watches = command.startswith(f"slurmstepd: [{job}.".encode())
        if watches or f"\0SLURM_JOB_ID={job}\0".encode() in b"\0" + variables:
            found.append(int(folder.name))
    return found


@pytest.mark.slurm
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill slurmd")
def test_job_of_a_lost_node_is_started_again(slurm_alone, tmp_path):
    (tmp_path / "Snakefile").write_text(RULES)
    starts = tmp_path / "starts"
    with workflow(tmp_path, "--profile", str(ROOT / "slurm"), "--", "lost") as running:
        running.wait_for("the job", starts.exists)
        (job,) = starts.read_text().split()
        slurmd = int(Path("/run/slurmd.pid").read_text())
        for process in [slurmd, *processes_of(job)]:
            os.kill(process, signal.SIGKILL)
        running.wait_for("slurmd to be gone", lambda: not Path(f"/proc/{slurmd}").exists())
        # What the controller does by itself once the node has not answered for SlurmdTimeout, five minutes.
        scontrol("update", "NodeName=localhost", "State=DOWN", "Reason=lost")
        scontrol("update", "NodeName=localhost", "State=RESUME")
        subprocess.run([ROOT / "tests/slurm/cluster.sh", "start"], check=True, stdout=subprocess.DEVNULL)
        running.start_now(job)
        assert running.process.wait(timeout=300) == 0, running.output
    assert len(starts.read_text().split()) > 1
    asked = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True)
    assert " Restarts=1 " in asked.stdout
