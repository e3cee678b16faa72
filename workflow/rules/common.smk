"""What several stages need: wildcards, what a job asks of the machine, and the noun that it is about."""

import re

from sirbench.machine.gpus import visible_gpus


wildcard_constraints:
    candidates="|".join(map(re.escape, CONFIG.study.candidates)),
    backbone="|".join(map(re.escape, CONFIG.study.backbones)),
    recipe="|".join(map(re.escape, CONFIG.trained)),
    seed="|".join(map(str, CONFIG.study.seeds)),
    level=r"level\d+-\d+-[0-9a-f]{8}",


# Training, re-ranking and measuring a cell are one job of a cluster, named after the cell.
CELL_GROUP = f"cell-{CELL.job}"
# Used with `--software-deployment-method conda` only.
ENVIRONMENT = "../../environment.yml"

# On a cluster, SLURM counts GPUs; here, no more jobs start than there are GPUs to compute on.
if workflow.is_main_process and workflow.local_exec and "gpu" not in workflow.global_resources:
    if visible_gpus():
        workflow.register_resource("gpu", visible_gpus())


def growing(amount: int):
    """A resource that grows with every attempt, so that a job killed for want of it gets more."""
    return lambda wildcards, attempt: amount * attempt


def cell_of(wildcards) -> Cell:
    """The cell that a job is about."""
    return Cell(STUDY, wildcards.candidates, wildcards.backbone, wildcards.recipe, int(wildcards.seed))


def compressor_of(wildcards) -> Compressor:
    """The compressor that a job is about."""
    return Compressor(STUDY, wildcards.candidates, wildcards.backbone, wildcards.level, int(wildcards.seed))


def job_of_cell(wildcards) -> job.Job:
    """The training job of a cell."""
    return job.job_of_cell(CONFIG, cell_of(wildcards))


def any_of(names) -> str:
    """The constraint of a wildcard to these names; one that nothing fits where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"
