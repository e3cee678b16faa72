"""What several stages need: wildcards, what a job asks of the machine, and the noun that it is about."""

import re
from functools import cache
from pathlib import Path

from sirbench.machine.gpus import visible_gpus
from sirbench.study import HOME


wildcard_constraints:
    candidates="|".join(map(re.escape, CONFIG.study.candidates)),
    backbone="|".join(map(re.escape, CONFIG.study.backbones)),
    recipe="|".join(map(re.escape, CONFIG.trained)),
    seed="|".join(map(str, CONFIG.study.seeds)),
    fold="|".join(map(str, CONFIG.study.collection.folds)),
    level=r"level\d+-\d+-[0-9a-f]{8}",
    queries="|".join(map(re.escape, [HOME, *CONFIG.study.evaluate_on])),
    reranked="|".join(map(re.escape, CONFIG.study.candidates)),


# Training, re-ranking and measuring a cell are one job of a cluster, named after the cell.
CELL_GROUP = f"cell-{CELL.job}"
# Cells whose measures are kept without their model (committed, or adopted) are done: no rule makes these measures.
try:
    KEPT = kept_cells(CONFIG)
except InputError as error:
    raise WorkflowError(str(error)) from None
KEPT_CELLS = "|".join(re.escape(f"{cell.name}/") for cell in KEPT)
# Figures of the semantic space of such cells are kept as they are drawn: what they are drawn from went with the models.
OF_KEPT_CELLS = figures_of_kept_cells(CONFIG, KEPT)
LOST_FIGURES = [name for name in OF_KEPT_CELLS if not Path(PATHS.figure(name)).exists()]
KEPT_CANDIDATES = "|".join(re.escape(f"{name}/") for name in kept_candidates(KEPT))
# Used with `--software-deployment-method conda` only.
ENVIRONMENT = "../../environment.yml"

# On a cluster, SLURM counts GPUs; here, no more jobs start than there are GPUs to compute on.
if workflow.is_main_process and workflow.local_exec and "gpu" not in workflow.global_resources:
    if visible_gpus():
        workflow.register_resource("gpu", visible_gpus())


def growing(amount: int):
    """A resource that grows with every attempt, so that a job killed for want of it gets more."""
    return lambda wildcards, attempt: amount * attempt


def of_fold(command: str) -> str:
    """A command about one model, which says the fold where the study has folds."""
    if not FOLD:
        return command
    return command.replace("{wildcards.seed:q}", "{wildcards.seed:q} --fold {wildcards.fold:q}")


def cell_of(wildcards) -> Cell:
    """The cell that a job is about."""
    names = wildcards.candidates, wildcards.backbone, wildcards.recipe
    return Cell(STUDY, *names, int(wildcards.seed), wildcards.get("fold"))


def compressor_of(wildcards) -> Compressor:
    """The compressor that a job is about."""
    names = wildcards.candidates, wildcards.backbone, wildcards.level
    return Compressor(STUDY, *names, int(wildcards.seed), wildcards.get("fold"))


# Snakemake asks for the inputs of every cell, and more than once.
@cache
def job_of_recipe(recipe: str) -> job.Job:
    """The training job of a recipe's cells."""
    return job.job_of(CONFIG.trained[recipe], CONFIG.study)


@cache
def levels() -> dict[str, job.Job]:
    """The training jobs of all compressors."""
    return job.levels(CONFIG)


def level_named(level: str) -> job.Job:
    """The training job of a compressor."""
    return job.level_named(level, CONFIG, levels())


def job_of_cell(wildcards) -> job.Job:
    """The training job of a cell."""
    return job_of_recipe(wildcards.recipe)


def any_of(names) -> str:
    """The constraint of a wildcard to these names; one that nothing fits where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"
