"""What several stages need: wildcards, logs, and what a job asks of the machine."""

from sirbench.ranking.gpus import visible_gpus


wildcard_constraints:
    candidates="|".join(CONFIG.study.candidates),
    backbone="|".join(CONFIG.study.backbones),
    recipe="|".join(CONFIG.recipes),
    seed="|".join(map(str, CONFIG.study.seeds)),
    level=r"level\d+-\d+-[0-9a-f]{8}",


CELL = ("{candidates}", "{backbone}", "{recipe}", "{seed}")
LEVEL = ("{candidates}", "{backbone}", "{level}", "{seed}")
COMPUTE = CONFIG.study.compute

# On a cluster, SLURM counts GPUs; here, no more jobs start than there are GPUs to compute on.
if workflow.is_main_process and workflow.local_exec and "gpu" not in workflow.global_resources:
    if visible_gpus():
        workflow.register_resource("gpu", visible_gpus())


def log_file(name: str) -> str:
    """Where a job's messages and progress go."""
    return str(PATHS.root / "logs" / f"{name}.log")


def benchmark_file(name: str) -> str:
    """Where a job's time and memory go."""
    return str(PATHS.root / "benchmarks" / f"{name}.tsv")


def growing(amount: int):
    """A resource that grows with every attempt, so that a job killed for want of it gets more."""
    return lambda wildcards, attempt: amount * attempt
