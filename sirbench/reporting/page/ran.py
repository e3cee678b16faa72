"""What of a study has run: its training jobs, their losses and provenance, or why they have not ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sirbench.jobs.folders import Cell, TrainingFolder
from sirbench.jobs.folds import trained_cells
from sirbench.jobs.job import compressor_of, compressors
from sirbench.jobs.kept import is_kept
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import cells
from sirbench.jobs.pretraining import pretrained
from sirbench.machine.errors import InputError
from sirbench.machine.provenance import read_provenance
from sirbench.reporting.tables.measured import is_measured
from sirbench.study import FirstStage

if TYPE_CHECKING:
    from sirbench.jobs.configuration import Configuration


@dataclass(frozen=True)
class Ran:
    """A training job: a cell or a compressor in one seed, a backbone's pre-training, a first stage's."""

    title: str
    """Its name without the seed."""
    files: TrainingFolder
    seed: int
    done: bool
    logs: Sequence[Path]
    """Where its commands write their messages."""

    @property
    def state(self) -> str:
        """`done`, or what is known of why there is no result, in a few words."""
        if self.done:
            return f"diverged: {how}" if (how := self.files.diverged) else "done"
        return _why_not(self.files, self.logs)

    def losses(self) -> list[float]:
        """The loss of each step, as far as it is recorded; none while the first job has not ended."""
        path = self.files.step_log
        return _losses(path) if path.exists() else []

    def provenance(self) -> dict[str, Any]:
        """What its provenance says; empty where there is none."""
        path = self.files.provenance
        return read_provenance(path) if path.exists() else {}


def _losses(path: Path) -> list[float]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        return [float(json.loads(line)["loss"]) for line in lines]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: damaged ({error!r}); remove it to make it again") from None


def everything(config: Configuration) -> list[Ran]:
    """Every job that tables need, once each.

    First the backbones and first stages that are trained, then the cells, each after its compressors.
    """
    jobs = [*_backbones_and_first_stages(config), *_cells(config)]
    return list({job.files.folder: job for job in jobs}.values())


def _backbones_and_first_stages(config: Configuration) -> Iterator[Ran]:
    layout = Layout(config.name)
    for name, backbone in pretrained(config.study).items():
        yield _trained(
            layout, f"backbone {name}", layout.pretraining(name), backbone.seed, "pretrain-backbone"
        )
    for name, spec in config.study.candidates.items():
        if isinstance(spec, FirstStage) and spec.backbone is not None:
            seed = spec.training.seed
            yield _trained(layout, f"first stage {name}", layout.learned(name), seed, "train-first-stage")


def _cells(config: Configuration) -> Iterator[Ran]:
    layout = Layout(config.name)
    whole = dict.fromkeys(cell for table in config.tables.values() for cell in cells(config, table))
    # A kept cell is there without the models of its folds.
    trained = [one for it in whole for one in ([it] if is_kept(it) else trained_cells(config, it))]
    for cell in trained:
        if not config.recipes[cell.recipe].trains:
            continue
        fold = f" / fold {cell.fold}" if cell.fold is not None else ""
        for job in compressors(config.recipes[cell.recipe], config.study):
            level = compressor_of(cell, job)
            title = f"{level.candidates} / {level.backbone} / {level.level}{fold}"
            yield _trained(layout, title, level, cell.seed, "train-level")
        logs = [layout.log(verb, cell.job) for verb in ("train", "rerank", "evaluate")]
        title = f"{cell.candidates} / {cell.backbone} / {cell.recipe}{fold}"
        yield Ran(title, cell, int(cell.seed), is_measured(config, cell), logs)


def _trained(layout: Layout, title: str, files: TrainingFolder, seed: int | str, verb: str) -> Ran:
    """A job whose last output is its provenance."""
    return Ran(title, files, int(seed), files.provenance.exists(), [layout.log(verb, files.job)])


def _why_not(files: TrainingFolder, logs: Sequence[Path]) -> str:
    logs = [log for log in logs if log.exists()]
    if not logs:
        return "not started"
    last = max(logs, key=lambda log: log.stat().st_mtime)
    text = last.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
    errors = [line for line in text.splitlines() if "error" in line.lower()]
    measured = isinstance(files, Cell) and files.per_query.exists()
    if errors:
        return f"failed: {errors[-1].strip()}"
    if files.provenance.exists() and not measured:
        return "trained, not measured"
    if files.checkpoint.exists():
        return "stopped at a checkpoint, from which it resumes"
    return "measured before the study or its recipe changed" if measured else "started"


def summary(jobs: Sequence[Ran]) -> dict[str, str]:
    """What the provenance of all these jobs says, by term: code, versions, hardware, time."""
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
