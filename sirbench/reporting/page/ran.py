"""What of a study has run: its training jobs, their losses and provenance, or why they have not ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.reporting.tables.measured import is_measured
from sirbench.study import FirstStage

if TYPE_CHECKING:
    from sirbench.config import Configuration


@dataclass(frozen=True)
class Ran:
    """A training job: a cell or a compressor in one seed, a backbone's pre-training, a first stage's."""

    title: str
    """Its name without the seed."""
    seed: int
    folder: Path
    done: bool
    logs: Sequence[Path]
    """Where its commands write their messages."""

    @property
    def state(self) -> str:
        """`done`, or what is known of why not, in a few words."""
        return "done" if self.done else _why_not(self.folder, self.logs)

    def losses(self) -> list[float]:
        """The loss of each step, as far as it is recorded; none while the first job has not ended."""
        path = self.folder / "train.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line)["loss"] for line in lines]

    def provenance(self) -> dict[str, Any]:
        """What `provenance.json` says; empty where there is none."""
        path = self.folder / "provenance.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def everything(config: Configuration) -> list[Ran]:
    """Return every job that tables need, once each.

    First the backbones and first stages that are trained, then the cells, each after its compressors.
    """
    jobs = [*_backbones_and_first_stages(config), *_cells(config)]
    return list({job.folder: job for job in jobs}.values())


def _backbones_and_first_stages(config: Configuration) -> Iterator[Ran]:
    layout = Layout(config.name)
    for name, backbone in plan.pretrained(config.study).items():
        log = layout.log(f"pretrain-backbone/{name}")
        yield _trained(f"backbone {name}", backbone.seed, layout.pretraining(name), log)
    for name, spec in config.study.candidates.items():
        if isinstance(spec, FirstStage) and spec.backbone is not None:
            log = layout.log(f"train-first-stage/{name}")
            yield _trained(f"first stage {name}", spec.training.seed, layout.learned(name), log)


def _cells(config: Configuration) -> Iterator[Ran]:
    layout = Layout(config.name)
    for cell in dict.fromkeys(cell for table in config.tables.values() for cell in plan.cells(config, table)):
        levels = [(*cell[:2], job.name) for job in plan.compressors(config.recipes[cell[2]], config.study)]
        for seed in config.study.seeds:
            for level in levels:
                log = layout.log(f"train-level/{'-'.join(level)}-seed{seed}")
                yield _trained(" / ".join(level), seed, layout.level(*level, seed), log)
            name = f"{'-'.join(cell)}-seed{seed}"
            logs = [layout.log(f"{step}/{name}") for step in ("train", "rerank", "evaluate")]
            done = is_measured(config, cell, seed)
            yield Ran(" / ".join(cell), seed, layout.cell(*cell, seed), done, logs)


def _trained(title: str, seed: int, folder: Path, log: Path) -> Ran:
    """A job whose last output is its provenance."""
    return Ran(title, seed, folder, (folder / "provenance.json").exists(), [log])


def _why_not(folder: Path, logs: Sequence[Path]) -> str:
    logs = [log for log in logs if log.exists()]
    if not logs:
        return "not started"
    last = max(logs, key=lambda log: log.stat().st_mtime)
    text = last.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
    errors = [line for line in text.splitlines() if "error" in line.lower()]
    if errors:
        return f"failed: {errors[-1].strip()}"
    if (folder / "provenance.json").exists() and not (folder / "per_query.csv").exists():
        return "trained, not measured"
    if (folder / "checkpoint").exists():
        return "stopped at a checkpoint, from which it resumes"
    if (folder / "per_query.csv").exists():
        return "measured before the study or its recipe changed"
    return "started"


def summary(jobs: Sequence[Ran]) -> dict[str, str]:
    """Return what the provenance of all these jobs says, by term: code, versions, hardware, time."""
    records = [record for job in jobs if (record := job.provenance())]
    machines = [record.get("machine", {}) for record in records]
    versions = [f"{name} {version}" for it in machines for name, version in it.get("versions", {}).items()]
    trees = {True: "dirty: files differed from the commit", False: "clean", None: "unknown"}
    return {
        "Commit": _counted([it.get("commit") or "not in a git checkout" for it in machines]),
        "Working tree": _counted([trees[it.get("dirty")] for it in machines]),
        "Python": _counted([it.get("python", "unknown") for it in machines]),
        "Versions": ", ".join(dict.fromkeys(versions)) or "unknown",
        "Machines": _counted([_machine(it) for it in machines]),
        "Devices": _counted([f"{record.get('workers', 1)} x {record.get('device')}" for record in records]),
        "Training time": _hours(records),
    }


def _machine(record: Mapping[str, Any]) -> str:
    host, cpu, cores, memory = (record.get(key) for key in ("host", "cpu", "cores", "memory_gb"))
    return f"{host}: {cpu}, {cores} cores, {memory} GB"


def _hours(records: Sequence[Mapping[str, Any]]) -> str:
    wall, gpu = (sum(record.get(key, 0) for record in records) / 3600 for key in ("seconds", "gpu_seconds"))
    return f"{wall:.2f} hours of jobs, {gpu:.2f} GPU-hours"


def _counted(names: Sequence[str]) -> str:
    """Names with how often, where they differ."""
    counts = Counter(names)
    if len(counts) <= 1:
        return "".join(counts) or "unknown"
    return ", ".join(f"{name} ({number} jobs)" for name, number in counts.most_common())
