"""Where a result comes from: code, versions, machine, inputs; kept beside every trained model."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sirbench.atomic import atomic_file

HERE = Path(__file__).parent

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "ir_datasets",
    "ir_measures",
    "bm25s",
    "numpy",
    "snakemake",
)
"""Packages whose version can change a number."""


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(paths: Mapping[str, Path]) -> dict[str, str]:
    """Checksum by name of the files that a job reads."""
    return {name: sha256(path) for name, path in paths.items()}


def digest(content: Any) -> str:
    """sha256 of anything that JSON can hold, the same for the same content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def machine() -> dict[str, Any]:
    """Git commit of this code and whether files differ from it, package versions, and the hardware.

    `commit` is null where the code is not in a git checkout.
    """
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "host": platform.node(),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
    }


def write_provenance(path: Path, content: Mapping[str, Any]) -> None:
    """Write what is known of a result as JSON, with `machine()` added."""
    with atomic_file(path) as temporary:
        whole = json.dumps({**content, "machine": machine()}, indent=2, default=str)
        temporary.write_text(whole + "\n", encoding="utf-8")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
