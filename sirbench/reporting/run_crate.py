"""A study's results as a Workflow Run RO-Crate, for archives that read this description of a run.

The crate is the folder results/STUDY/ itself, described by `ro-crate-metadata.json` beside the report. By
https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/workflow/0.5 it has the workflow, the study it
was given, and the tables, figures, runs, measures and provenance that came out. A crate's files are below its
folder, so the workflow's and the study's file, and the figures, are copied into `crate/` there.
"""

import json
import mimetypes
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sirbench import __version__
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.machine.manifest import sha256
from sirbench.reporting.ir_metadata import PAPER
from sirbench.reporting.page.ran import Ran, everything

Entity = dict[str, Any]

CRATE, WORKFLOW_CRATE = "https://w3id.org/ro/crate/1.1", "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
LICENCE = "The workflow: MIT. Results derive from the study's collection and checkpoints, whose terms hold."
SNAKEFILES = (Path("workflow/Snakefile"), Path(__file__).parents[2] / "workflow/Snakefile")
"""Where the workflow is: in the project that it runs in, or beside the package."""


def write_run_crate(config: Configuration) -> None:
    """Write the crate of a study from whatever there is; none where the package came without its workflow."""
    snakefile = next((path for path in SNAKEFILES if path.exists()), None)
    if snakefile is None:
        return
    layout = Layout(config.name)
    inside = layout.root / "crate"
    shutil.rmtree(inside, ignore_errors=True)
    inside.mkdir(parents=True)
    workflow = Path(shutil.copy(snakefile, inside))
    given = Path("config/studies") / f"{config.name}.yaml"
    study = [Path(shutil.copy(given, inside))] if given.exists() else []
    figures = [layout.figure(name, ending) for name in config.figures for ending in ("pdf", "csv")]
    shown = [Path(shutil.copy(path, inside)) for path in figures if path.exists()]
    jobs = [job for job in everything(config) if job.done]
    results = {path: what for path, what in _results(config, jobs).items() if path.exists()}
    results |= dict.fromkeys(shown, "Figure")
    content = metadata(config, workflow, study, results)
    with atomic_file(layout.run_crate) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _results(config: Configuration, jobs: list[Ran]) -> Mapping[Path, str]:
    """What a reader would want of the study, and what each is; models and logs stay outside."""
    layout = Layout(config.name)
    found = {layout.report: "Report", layout.collection: "Record of the collection"}
    for ending in ("csv", "md", "tex"):
        found |= {layout.table(name, ending): f"Table: {of.title}" for name, of in config.tables.items()}
        found[layout.claims(ending)] = "Verdicts on claims"
    for job in jobs:
        found[job.files.provenance] = f"Provenance of {job.title}, seed {job.seed}"
        if isinstance(job.files, Cell):
            found[job.files.run] = f"Run of {job.files.name}"
            found[job.files.per_query] = f"Measures of {job.files.name}"
    return found


def metadata(
    config: Configuration, workflow: Path, study: list[Path], results: Mapping[Path, str]
) -> dict[str, Any]:
    """The JSON-LD of the crate, whose files are all below the study's folder."""
    root = Layout(config.name).root
    files = [
        _file(root, workflow, "The workflow sirbench") | _workflow(),
        *(_file(root, path, f"The study {config.name}") for path in study),
        *(_file(root, path, what) for path, what in results.items()),
    ]
    end = max((path.stat().st_mtime for path in results), default=workflow.stat().st_mtime)
    return {
        "@context": CONTEXT,
        "@graph": [
            {
                **{"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}},
                "conformsTo": _references(CRATE, WORKFLOW_CRATE),
            },
            {
                **{"@id": "./", "@type": "Dataset", "name": f"{config.study.title}: results"},
                "description": f"Study {config.name} of a reproduction of: {PAPER}",
                "datePublished": datetime.now(UTC).date().isoformat(),
                "license": {"@id": "#licence"},
                "conformsTo": _references(*PROFILES),
                "mainEntity": {"@id": files[0]["@id"]},
                "hasPart": _references(*(file["@id"] for file in files)),
                "mentions": {"@id": "#run"},
            },
            *files,
            {
                **{"@id": "#run", "@type": "CreateAction", "name": f"Run of the study {config.name}"},
                "description": f"snakemake --config study={config.name}, and then sirbench report",
                "instrument": {"@id": files[0]["@id"]},
                "object": _references(*(file["@id"] for file in files[1 : 1 + len(study)])),
                "result": _references(*(file["@id"] for file in files[1 + len(study) :])),
                "endTime": datetime.fromtimestamp(end, UTC).isoformat(timespec="seconds"),
            },
            *_context(),
        ],
    }


def _file(root: Path, path: Path, what: str) -> Entity:
    return {
        **{"@id": os.path.relpath(path, root), "@type": "File", "name": what},
        "encodingFormat": mimetypes.guess_type(path.name)[0] or "text/plain",
        **{"contentSize": str(path.stat().st_size), "sha256": sha256(path)},
    }


def _workflow() -> Entity:
    return {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "programmingLanguage": {"@id": SNAKEMAKE},
        "version": __version__,
    }


def _context() -> Iterator[Entity]:
    yield {
        **{"@id": SNAKEMAKE, "@type": "ComputerLanguage", "name": "Snakemake"},
        "url": {"@id": "https://snakemake.readthedocs.io"},
    }
    yield {"@id": "#licence", "@type": "CreativeWork", "name": "Terms of use", "description": LICENCE}
    for address, (name, number) in PROFILES.items():
        yield {"@id": address, "@type": "CreativeWork", "name": name, "version": number}


def _references(*names: str) -> Entity | list[Entity]:
    """One reference by itself, as compacted JSON-LD has it, several as a list."""
    every = [{"@id": name} for name in names]
    return every[0] if len(every) == 1 else every
