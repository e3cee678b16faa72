"""The logger of `make`: a line per job, and the end of the log of one that failed."""

import re
import subprocess

import pytest

from tests.checkouts import ROOT, environment

SNAKEFILE = """
rule every:
    input:
        "some.made",
        "other.made",

rule make:
    output:
        "{name}.made",
    log:
        "logs/make/{name}.log",
    shell:
        "echo made > {output} 2> {log}"

rule broken:
    output:
        "broken.txt",
    log:
        "logs/broken.log",
    shell:
        "(seq 100; echo why it failed; exit 3) > {log}"
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    variables = environment() | {"PYTHONPATH": str(ROOT / "workflow/logger")}

    def snakemake(*arguments):
        command = ["snakemake", "--cores", "1", "--logger", "line", "--", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
        return done.returncode, done.stderr.splitlines()

    return snakemake


@pytest.mark.workflow
def test_a_line_per_job_and_none_where_nothing_is_to_be_done(run):
    code, lines = run("every")
    assert code == 0
    shape = re.compile(r"([12]) of 3 \( ?(33|67)%\), \d:\d\d left: make (some|other) \(\d:\d\d\)")
    found = [shape.fullmatch(line) for line in lines]
    assert all(found) and [match[1] for match in found] == ["1", "2"]
    assert {match[3] for match in found} == {"some", "other"}
    assert run("every") == (0, ["Nothing to be done (all requested files are present and up to date)."])


@pytest.mark.workflow
def test_a_failure_shows_the_end_of_its_log_and_no_shell(run):
    code, lines = run("broken.txt")
    assert code == 1
    assert lines[:2] == ["FAILED: broken", "  the end of logs/broken.log:"]
    assert lines[2:17] == [f"    {number}" for number in range(87, 101)] + ["    why it failed"]
    assert not any("set -euo pipefail" in line for line in lines)


@pytest.mark.workflow
def test_a_mistake_in_the_workflow_is_shown(run):
    code, lines = run("nothing-makes-this")
    assert code == 1 and any("nothing-makes-this" in line for line in lines)
