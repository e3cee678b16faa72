"""What of a study has run: its training jobs, their losses and provenance, or why they have not ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
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
    state: str
    """`done`, or what is known of why not, in a few words."""

    def losses(self) -> list[float]:
        """The loss of each step, as far as it is recorded; none while the first job has not ended."""
        path = self.folder / "train.jsonl"
        if not path.exists():
            return []
        return [json.loads(line)["loss"] for line in path.read_text(encoding="utf-8").splitlines()]

    def provenance(self) -> dict[str, Any]:
        """What `provenance.json` says; empty where there is none."""
        path = self.folder / "provenance.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def everything(config: Configuration) -> list[Ran]:
    """Return every job that tables need, without repetition: backbones and first stages that are trained, and
    the cells that tables show, each after its compressors."""
    layout = Layout(config.name)
    jobs = {("backbone", name): _backbone(name, config, layout) for name in plan.pretrained(config.study)}
    for name, spec in config.study.candidates.items():
        if isinstance(spec, FirstStage) and spec.backbone is not None:
            jobs["first stage", name] = _first_stage(name, spec, layout)
    cells = dict.fromkeys(cell for table in config.tables.values() for cell in plan.cells(config, table))
    for candidates, backbone, recipe in cells:
        levels = [job.name for job in plan.compressors(config.recipes[recipe], config.study)]
        for seed in config.study.seeds:
            for level in levels:
                place = (candidates, backbone, level, seed)
                jobs["level", *place] = _level(*place, layout)
            jobs["cell", candidates, backbone, recipe, seed] = _cell(
                config, (candidates, backbone, recipe), seed, layout
            )
    return list(jobs.values())


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


def _cell(config: Configuration, cell: tuple[str, str, str], seed: int, layout: Layout) -> Ran:
    logs = [layout.log(f"{step}/{'-'.join(cell)}-seed{seed}") for step in ("train", "rerank", "evaluate")]
    return _job(" / ".join(cell), seed, layout.cell(*cell, seed), is_measured(config, cell, seed), logs)


def _level(candidates: str, backbone: str, level: str, seed: int, layout: Layout) -> Ran:
    log = layout.log(f"train-level/{candidates}-{backbone}-{level}-seed{seed}")
    return _trained(
        f"{candidates} / {backbone} / {level}", seed, layout.level(candidates, backbone, level, seed), log
    )


def _backbone(name: str, config: Configuration, layout: Layout) -> Ran:
    seed, log = config.study.backbones[name].seed, layout.log(f"pretrain-backbone/{name}")
    return _trained(f"backbone {name}", seed, layout.pretraining(name), log)


def _first_stage(name: str, spec: FirstStage, layout: Layout) -> Ran:
    log = layout.log(f"train-first-stage/{name}")
    return _trained(f"first stage {name}", spec.training.seed, layout.learned(name), log)


def _trained(title: str, seed: int, folder: Path, log: Path) -> Ran:
    """A job whose last output is its provenance."""
    return _job(title, seed, folder, (folder / "provenance.json").exists(), [log])


def _job(title: str, seed: int, folder: Path, done: bool, logs: Sequence[Path]) -> Ran:
    return Ran(title, seed, folder, done, "done" if done else _why_not(folder, logs))


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
        return "trained, and not measured"
    if (folder / "checkpoint").exists():
        return "stopped at a checkpoint, from which it goes on"
    if (folder / "per_query.csv").exists():
        return "its measures are of before the study or its recipe changed"
    return "started"


def _counted(names: Sequence[str]) -> str:
    """Names with how often, where they differ."""
    counts = Counter(names)
    if len(counts) <= 1:
        return "".join(counts) or "unknown"
    return ", ".join(f"{name} ({number} jobs)" for name, number in counts.most_common())
