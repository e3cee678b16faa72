"""Tables and figures of a study: a target for each file of config/tables, config/figures."""

import sys

from snakemake.exceptions import WorkflowError

from sirbench import warm
from sirbench.config import load
from sirbench.jobs import job, needs, pretraining, tuning
from sirbench.jobs.folders import Cell, Compressor, Evaluation
from sirbench.jobs.folds import folds_input, trained_cells
from sirbench.jobs.held_out import check_validation, held_out_inputs
from sirbench.jobs.kept import figures_of_kept_cells, kept_candidates, kept_cells
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError

# `--config study=7` is a number to Snakemake.
STUDY = str(config.setdefault("study", "demo"))
try:
    CONFIG = load(STUDY)
except InputError as error:
    raise WorkflowError(str(error)) from None
PATHS = Layout(STUDY)
COMPUTE = CONFIG.study.compute

# The patterns of all cells, and of all compressors that V1 and V2 share; where the study has folds, of each fold's.
FOLD = "{fold}" if CONFIG.study.collection.folds else None
CELL = Cell(STUDY, "{candidates}", "{backbone}", "{recipe}", "{seed}", FOLD)
COMPRESSOR = Compressor(STUDY, "{candidates}", "{backbone}", "{level}", "{seed}", FOLD)
# A further set of queries, and a cell that re-ranks its candidates, or others than its own of the dev queries.
FURTHER = Layout(STUDY, "{queries}")
EVALUATION = Evaluation(CELL, "{queries}", "{reranked}")


include: "common.smk"
include: "inputs.smk"
include: "collection.smk"
include: "candidates.smk"
include: "backbones.smk"
include: "train.smk"
include: "evaluate.smk"
include: "transfer.smk"
include: "report.smk"
include: "tune.smk"


if FOLD:

    include: "folds.smk"


# A cluster starts jobs elsewhere, and what has seen a GPU cannot be forked.
onstart:
    if LOST_FIGURES:
        print(
            f"Left out, as cells are kept without their models: {', '.join(LOST_FIGURES)}",
            file=sys.stderr,
        )
    if workflow.is_main_process and workflow.local_exec and not (COMPUTE.gpus and visible_gpus()):
        warm.start(COMPUTE.threads)


localrules:
    tables,
    figures,
    study,


rule tables:
    input:
        [PATHS.table(name) for name, table in CONFIG.tables.items() if needs.shows_something(CONFIG, table)],


rule figures:
    input:
        [PATHS.figure(name) for name in CONFIG.figures if name not in LOST_FIGURES],


rule study:
    input:
        rules.tables.input,
        rules.figures.input,
        PATHS.claims(),
