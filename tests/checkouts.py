"""Copies of the repository that tests may run workflows in, and edit, without touching the real one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sirbench.jobs.configuration import Configuration

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "workflow", "sirbench", "config", "published", "slurm", "environment.yml")


def copy_checkout(folder: Path, data: Path) -> Path:
    """What a workflow needs, copied to `folder`, with already built collections of `data` in its data/."""
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    shutil.copytree(data, folder / "data")
    return folder


def with_bm25_alone(config: Configuration) -> Configuration:
    """A configuration whose study re-ranks BM25's candidates only."""
    return replace(config, study=config.study.model_copy(update={"reranked": ["bm25"]}))


def environment() -> dict[str, str]:
    """The environment of a shell in which this Python's environment is activated."""
    variables = {name: value for name, value in os.environ.items() if name != "SIRBENCH_DATA"}
    return variables | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def snakemake(
    folder: Path, *arguments: str, study: str = "test", variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the workflow in `folder`; standard output and error come back together as `stdout`."""
    return subprocess.run(
        ["snakemake", "--cores", "2", *arguments, "--config", f"study={study}"],
        cwd=folder,
        env=environment() | dict(variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
