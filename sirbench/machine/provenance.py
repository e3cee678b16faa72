"""Where a result comes from: code, versions, machine and inputs; kept beside every trained model."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.machine.manifest import check_manifest, files_below, sha256

HERE = Path(__file__).parent

PROVENANCE = "provenance.json"
"""The file beside a result that says where it comes from."""

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
"""The packages whose version can change a number."""


def checksums(paths: Mapping[str, Path]) -> dict[str, str]:
    """The sha256 by name of every file that a job reads; of a folder, of all files in it (`name/file`).

    Hidden files do not count. Raises InputError for a file that is not what its manifest says.
    """
    found: dict[str, str] = {}
    for name, path in paths.items():
        inside = files_below(path) if path.is_dir() else {"": path}
        known = {file: sha256(file) for file in inside.values()}
        check_manifest(path, known)
        found |= {f"{name}/{part}" if part else name: known[file] for part, file in inside.items()}
    return found


def digest(content: Any) -> str:
    """The sha256 of anything that JSON can express, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def machine() -> dict[str, Any]:
    """The git commit of this code and whether files differ from it, package versions, and the hardware.

    `commit` and `dirty` are null if the code is not in a git checkout. `cores` and `memory_gb` are those of
    the whole machine, of which a job may have had a part.
    """
    status = _git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": None if status is None else bool(status),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "host": platform.node(),
        "cpu": _cpu_model() or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "distribution": _distribution(),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
    }


def write_provenance(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` and `machine()` as JSON."""
    with atomic_file(path) as temporary:
        whole = json.dumps({**content, "machine": machine()}, indent=2, default=str)
        temporary.write_text(whole + "\n", encoding="utf-8")


class _Machine(BaseModel):
    """What is read of `machine()`; what a record does not say is not looked at."""

    model_config = ConfigDict(strict=True)

    commit: str | None = None
    dirty: bool | None = None
    python: str = ""
    versions: dict[str, str] = {}
    host: str = ""
    cpu: str = ""
    cores: int | None = None
    memory_gb: float = 0.0


class _Record(BaseModel):
    """What is read of a provenance."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    machine: _Machine = _Machine()
    seconds: float = Field(0.0, ge=0)
    gpu_seconds: float = Field(0.0, ge=0)
    workers: int = Field(1, ge=1)
    device: str = ""
    inputs: dict[str, str] = {}
    study_sha256: str = ""


def read_provenance(path: Path, needs: Collection[str] = ()) -> dict[str, Any]:
    """What `write_provenance` wrote; InputError for a record that is damaged or lacks one of `needs`."""
    content = read_object(path)
    try:
        _Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: damaged: {key}: {first['msg']}; remove the file to make it again"
        ) from None
    if lacking := [key for key in needs if key not in content]:
        raise InputError(f"{path}: lacks {', '.join(lacking)}; remove the file to make it again")
    return content


def _cpu_model() -> str | None:
    """The model's name, which Linux has in /proc/cpuinfo."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
