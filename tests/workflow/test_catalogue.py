"""The workflow as Snakemake's catalogue takes it: linted alone, imported as a module, in a container."""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.checkouts import ROOT, environment

MODULE = f"""
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


module sirbench:
    snakefile:
        "{ROOT}/workflow/Snakefile"
    config:
        config


use rule * from sirbench
"""
"""What snakedeploy 0.17 writes, with a path in place of an address."""

CONDA = """#!/bin/sh
case "$1" in
info) echo '{"conda_version": "24.7.1", "conda_prefix": "/opt/conda", "platform": "linux-64"}' ;;
config) echo '{"get": {"channel_priority": "strict"}}' ;;
--version) echo "conda 24.7.1" ;;
*) exit 1 ;;
esac
"""


def snakemake_alone(folder: Path) -> Path:
    """A folder for PYTHONPATH with Snakemake and what it needs, and nothing else that is installed here."""
    wanted, found = ["snakemake"], set()
    while wanted:
        if (name := wanted.pop()) in found:
            continue
        found.add(name)
        package = distribution(name)
        for top in {file.parts[0] for file in package.files if file.parts[0] != ".."}:
            if not (folder / top).exists():
                (folder / top).symlink_to(package.locate_file(top))
        for needed in map(Requirement, package.requires or []):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                wanted.append(needed.name)
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Runs Snakemake in an environment that has neither this package nor what it needs."""
    packages = snakemake_alone(tmp_path_factory.mktemp("site"))

    def alone(*arguments, cwd=ROOT):
        return subprocess.run(
            [sys.executable, "-S", "-P", "-m", "snakemake", *arguments],
            cwd=cwd,
            env=environment() | {"PYTHONPATH": str(packages)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    return alone


@pytest.mark.workflow
def test_it_is_linted_where_nothing_but_snakemake_is_installed(alone):
    done = alone("--lint", "--snakefile", "workflow/Snakefile")
    assert done.returncode == 0 and "in a good condition" in done.stdout, done.stdout


@pytest.mark.workflow
def test_a_target_says_what_is_missing_where_nothing_but_snakemake_is_installed(alone, tmp_path):
    done = alone("--cores", "1", "table3", "--snakefile", str(ROOT / "workflow/Snakefile"), cwd=tmp_path)
    assert done.returncode != 0
    assert re.search(r"^No Python package \w+ here: first run `make`", done.stdout, re.M), done.stdout


@pytest.mark.workflow
def test_a_project_imports_it_as_a_module_and_plans_a_table_with_conda(tmp_path):
    """No conda runs here: a stand-in answers what a plan asks of it."""
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(MODULE)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "config/config.yaml").write_text("study: test\n")
    conda = tmp_path / "bin/conda"
    conda.parent.mkdir()
    conda.write_text(CONDA)
    conda.chmod(0o755)
    variables = environment()
    done = subprocess.run(
        ["snakemake", "--dry-run", "--software-deployment-method", "conda", "--", "table3"],
        cwd=tmp_path,
        env=variables | {"PATH": f"{conda.parent}:{variables['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^write_table +1$", done.stdout, re.M)
    assert re.search(r"^train +\d+$", done.stdout, re.M)
    environments = set(re.findall(r"Conda environment (\S+) will be created", done.stdout))
    assert {Path(name).name for name in environments} == {"environment.yml"}


def test_the_catalogue_is_told_how_to_run_it():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    flags = usage["mandatory-flags"]["flags"].split()
    assert flags[0] == "--config" and (ROOT / f"config/studies/{flags[1].partition('=')[2]}.yaml").exists()
    deployed = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert (ROOT / f"config/studies/{deployed['study']}.yaml").exists()


def instructions():
    """Instruction and arguments of each line of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line]


def test_the_container_has_the_python_and_the_packages_of_everywhere_else():
    lines = instructions()
    python = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][0]
    assert lines[0] == ("FROM", f"{python.replace('=', ':')}-slim-bookworm")
    installs = [what for name, what in lines if name == "RUN" and "pip install" in what]
    assert "--requirement requirements.lock" in installs[0] and "--no-deps --editable ." in installs[1]
    copied = [what for name, what in lines if name == "COPY"]
    assert copied == ["requirements.lock ./", ". ."]  # packages stay in their layer where code alone changes
    assert json.loads(dict(lines)["ENTRYPOINT"])[0] == "snakemake"


def test_the_container_leaves_out_what_is_made():
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    assert {".venv", "data", "figures", "results/*/"} <= set(ignored)
