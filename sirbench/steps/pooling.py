"""Verbs `pool-provenance` and `pool-folds`: what a whole cell is, of the models of its folds.

Every query is measured once, by the model that was not trained on it; nothing is averaged. A fold whose
training diverged leaves the cell without a model for some queries, so the cell has diverged.
"""

from typing import Any

import pandas as pd
import yaml

from sirbench.data import collections
from sirbench.data.runs import COLUMNS, read_run, write_run
from sirbench.evaluation.measures import read_per_query, write_per_query
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell
from sirbench.jobs.folds import trained_cells
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.machine.provenance import checksums, read_provenance, write_provenance
from sirbench.reporting.ir_metadata import run_tag
from sirbench.steps.evaluation import write_nothing
from sirbench.steps.reranking import write_metadata

ADDED_UP = ("seconds", "gpu_seconds")


def pool_provenance(config: Configuration, cell: Cell) -> None:
    """Write the provenance of a whole cell: what its folds have in common, and their time together."""
    folds = {f"fold{one.fold}": one for one in trained_cells(config, cell)}
    records = {name: read_provenance(one.provenance, needs=ADDED_UP) for name, one in folds.items()}
    first, *others = records.values()
    inputs = {
        name: digest
        for name, digest in first["inputs"].items()
        if all(other["inputs"].get(name) == digest for other in others)
    }
    diverged = [f"{name}: {how}" for name, record in records.items() if (how := record.get("diverged"))]
    pooled: dict[str, Any] = {key: value for key, value in first.items() if key not in ("fold", "machine")}
    pooled |= {key: sum(record[key] for record in records.values()) for key in ADDED_UP}
    pooled |= {"inputs": inputs, "diverged": "; ".join(diverged) or None}
    pooled["folds"] = checksums({name: one.provenance for name, one in folds.items()})
    write_provenance(cell.provenance, pooled)


def pool_folds(config: Configuration, cell: Cell) -> None:
    """Write the run of all dev queries, its metadata and the measures, from those of the folds."""
    folds = trained_cells(config, cell)
    described = [yaml.safe_load(one.run_metadata.read_text(encoding="utf-8")) for one in folds]
    write_metadata({"tag": run_tag(cell), "folds": described}, cell)
    if cell.diverged:
        run = pd.DataFrame(columns=COLUMNS)
        write_nothing(config, cell.per_query)
    else:
        run = pd.concat([read_run(one.run) for one in folds], ignore_index=True)
        measured = [read_per_query(one.per_query) for one in folds]
        write_per_query(_pooled(config, measured, "dev"), cell.per_query)
    write_run(run, cell.run, tag=run_tag(cell))


def pool_validation(config: Configuration, cell: Cell) -> None:
    """Write the measures of all validation queries, from those of the folds."""
    if cell.diverged:
        write_nothing(config, cell.validation_per_query)
        return
    measured = [read_per_query(one.validation_per_query) for one in trained_cells(config, cell)]
    write_per_query(_pooled(config, measured, "validation"), cell.validation_per_query)


def _pooled(config: Configuration, measured: list[pd.DataFrame], split: str) -> pd.DataFrame:
    """The lines of all folds, in the order of the split's queries."""
    path = Layout(config.name).queries(split)
    queries, lines = list(collections.load_queries(path)), pd.concat(measured)
    if sorted(lines.index) != sorted(queries):
        raise InputError(
            f"{path}: the folds are about other queries, or about one twice; remove their measures to "
            "make them again"
        )
    return lines.loc[queries]
