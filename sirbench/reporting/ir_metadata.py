"""Where a run comes from, in the words of ir_metadata, for whoever gets the run without this repository.

The keys are those of Breuer, Keller and Schaer (SIGIR 2022, doi: 10.1145/3477495.3531738; the checklists on
https://www.ir-metadata.org) as far as they go; beside them are our own: `dirty`, `seed`, `sha256`, `study`,
`resources`. The schema puts all this into comments ahead of a run. Many readers of runs expect no comments,
so here it is a file of its own.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sirbench import __version__
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell
from sirbench.jobs.needs import measures
from sirbench.study import BASELINE, FirstStage

Record = Mapping[str, Any]
"""What is known of a job."""

SIGNIFICANCE = {"name": "two-sided paired t-test", "correction method": "none, and Holm beside it"}
PAPER = "YES SIR! Optimizing Semantic Space of Negatives with Self-Involvement Ranker"


def describe_run(config: Configuration, cell: Cell, trained: Record, reranked: Record) -> dict[str, Any]:
    """The metadata of the run of a cell.

    `trained` is the cell's provenance, and `reranked` the same of its re-ranking: `machine`, `inputs`
    (checksums), `device`, `seconds`, `gpu_seconds`.
    """
    study, machine = config.study, reranked["machine"]
    command = " ".join(f"--{option} {value}" for option, value in asdict(cell).items() if value is not None)
    return {
        "tag": run_tag(cell),
        "actor": {"role": "reproducer"},
        "platform": {
            "hardware": _hardware(reranked),
            "operating system": {"kernel": machine["kernel"], "distribution": machine["distribution"]},
            "software": {
                "libraries": {
                    "python": [f"{name}=={number}" for name, number in machine["versions"].items()]
                },
                "retrieval toolkit": [f"sirbench=={__version__}"],
            },
        },
        "implementation": {
            "executable": {"cmd": f"sirbench rerank {command}"},
            "source": {"lang": ["Python"], "commit": machine["commit"], "dirty": machine["dirty"]},
        },
        "method": {
            "automatic": True,
            "score ties": "falling document id, as trec_eval",
            "retrieval": [
                {"name": cell.candidates, **_first_stage(config, cell.candidates)},
                {
                    "name": cell.recipe,
                    "method": f"cross-encoder, {cell.backbone}",
                    "params": config.recipes[cell.recipe].model_dump(mode="json", exclude={"description"}),
                    "seed": cell.seed,
                    "reranks": cell.candidates,
                },
            ],
        },
        "research goal": {
            "publication": {"title": PAPER},
            "evaluation": {
                "reported measures": measures(config),
                "baseline": [run_tag(replace(cell, recipe=BASELINE))],
                "significance test": [SIGNIFICANCE],
            },
        },
        "data": {
            "test collection": {"name": study.collection.dev, "ir_datasets": study.collection.dev},
            "training data": [{"name": study.collection.train, "ir_datasets": study.collection.train}],
            "sha256": {"training": trained["inputs"], "re-ranking": reranked["inputs"]},
            "study": {"name": config.name, "sha256": trained["study_sha256"]},
        },
        "resources": {"training": _resources(trained), "re-ranking": _resources(reranked)},
    }


def run_tag(cell: Cell) -> str:
    """The last column of a cell's run."""
    return f"{cell.recipe}-seed{cell.seed}"


def _hardware(job: Record) -> dict[str, Any]:
    machine = job["machine"]
    cpu = {"model": machine["cpu"], "architecture": machine["architecture"]}
    hardware = {"cpu": cpu | {"number of cores": machine["cores"]}, "ram": f"{machine['memory_gb']} GB"}
    if job["device"] != "cpu":
        hardware["gpu"] = {"model": job["device"], "memory": f"{job['gpu_memory_gb']} GB"}
    return hardware


def _first_stage(config: Configuration, candidates: str) -> dict[str, Any]:
    spec = config.study.candidates[candidates]
    if isinstance(spec, FirstStage):
        return {"method": spec.first_stage, "params": dict(spec.options)}
    return {"method": "given run", "source": spec.source}


def _resources(job: Record) -> dict[str, Any]:
    return {name: job[name] for name in ("device", "seconds", "gpu_seconds")}
