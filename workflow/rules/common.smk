"""What several stages need: wildcards, logs, what a job asks of the machine, and what rules read."""

import re

from sirbench.data.pydocs import PACKAGES, data_home
from sirbench.machine.gpus import visible_gpus
from sirbench.reporting.figures import kind_of
from sirbench.reporting.figures.drawing.style import RC


wildcard_constraints:
    candidates="|".join(map(re.escape, CONFIG.study.candidates)),
    backbone="|".join(map(re.escape, CONFIG.study.backbones)),
    recipe="|".join(map(re.escape, CONFIG.recipes)),
    seed="|".join(map(str, CONFIG.study.seeds)),
    level=r"level\d+-\d+-[0-9a-f]{8}",


CELL = ("{candidates}", "{backbone}", "{recipe}", "{seed}")
# Training, re-ranking and measuring a cell are one job of a cluster, named after the cell.
CELL_GROUP = "cell-{candidates}-{backbone}-{recipe}-seed{seed}"
LEVEL = ("{candidates}", "{backbone}", "{level}", "{seed}")
COMPUTE = CONFIG.study.compute
# Used with `--software-deployment-method conda` only.
ENVIRONMENT = "../../environment.yml"

# On a cluster, SLURM counts GPUs; here, no more jobs start than there are GPUs to compute on.
if workflow.is_main_process and workflow.local_exec and "gpu" not in workflow.global_resources:
    if visible_gpus():
        workflow.register_resource("gpu", visible_gpus())


def log_file(name: str) -> str:
    """Where a job's messages and progress go."""
    return str(PATHS.log(name))


def benchmark_file(name: str) -> str:
    """Where a job's time and memory go."""
    return str(PATHS.root / "benchmarks" / f"{name}.tsv")


def growing(amount: int):
    """A resource that grows with every attempt, so that a job killed for want of it gets more."""
    return lambda wildcards, attempt: amount * attempt


def embedded_collection(wildcards) -> list[str]:
    """PyDocs has to be built first; any other collection is ir_datasets' own business."""
    root = CONFIG.study.collection.train.partition("/")[0]
    return [str(data_home() / root / "collection.json")] if root in PACKAGES else []


def corpus_files(name: str) -> list[str]:
    """What a corpus is made of, as far as it is there; where it is not, the job itself says how to get it."""
    corpus = plan.corpora(CONFIG.study)[name][1]
    if corpus.path is None:
        return [str(PATHS.collection)]
    return [str(corpus.path)] if corpus.path.exists() else []


def given_runs(wildcards) -> list[str]:
    """Run files that are there; where one is not, the job itself says how to get it."""
    files = getattr(first_stage(wildcards), "files", {}).values()
    return [str(file.path) for file in files if file.path.exists()]


def first_stage(wildcards) -> object:
    """How the study says these candidates are made."""
    return CONFIG.study.candidates[wildcards.candidates]


def first_stage_start(spec) -> object:
    """The checkpoint that a first stage's training starts from."""
    return PATHS.learned(spec.start) / "model" if spec.start else PATHS.backbone(spec.backbone)


def retrieval_inputs(spec) -> list:
    """What a first stage that learns retrieves with; nothing for another, and for given runs."""
    if getattr(spec, "backbone", None) is None:
        return []
    name = next(name for name, one in CONFIG.study.candidates.items() if one is spec)
    return [PATHS.learned(name) / "model", PATHS.tokens(spec.backbone)]


def training_inputs(job: plan.Job, wildcards) -> list[str]:
    """What a training job reads: data, tokens, the backbone, and the compressors that come before it."""
    cell = (wildcards.candidates, wildcards.backbone)
    needed = [PATHS.level(*cell, before.name, wildcards.seed) for before in job.needs]
    return [
        PATHS.queries("train"),
        PATHS.qrels("train"),
        PATHS.candidates(wildcards.candidates, "train"),
        PATHS.backbone(wildcards.backbone),
        PATHS.tokens(wildcards.backbone),
        *[folder / name for folder in needed for name in ("model", "scored.trec.gz")],
    ]


def front_trace(job: plan.Job, wildcards) -> list:
    """The selection trace of the compressor whose weights a job starts from, if it does from one."""
    if not job.weights_from:
        return []
    level = (wildcards.candidates, wildcards.backbone, job.weights_from.name, wildcards.seed)
    return [PATHS.level(*level) / "selection.parquet"]


def cell_job(wildcards) -> plan.Job:
    """The training job of a cell."""
    return plan.plan(CONFIG.recipes[wildcards.recipe], CONFIG.study)


def embedded_queries(wildcards) -> dict[str, int]:
    """How many queries of each split figures show of a cell."""
    cell = (wildcards.candidates, wildcards.backbone, wildcards.recipe, int(wildcards.seed))
    return plan.embedded_cells(CONFIG)[cell]


def table_inputs(name: str) -> list:
    """The measures of every cell that a table shows or compares with, and of its candidates."""
    table = CONFIG.tables[name]
    return [
        *[
            PATHS.cell(*cell, seed) / "per_query.csv"
            for cell in plan.cells(CONFIG, table)
            for seed in CONFIG.study.seeds
        ],
        *[PATHS.first_stage(candidates) for candidates in plan.measured_candidates(CONFIG, table)],
    ]


def table_heads(name: str) -> dict[str, str]:
    """The candidates of a table in order, and what it calls them: inputs that only change places are no news."""
    candidates = plan.measured_candidates(CONFIG, CONFIG.tables[name])
    return {it: CONFIG.study.candidates_title(it) for it in candidates}


def figure_inputs(name: str) -> list:
    """What the figure's kind draws it from."""
    figure = CONFIG.figures[name]
    # With the code that draws it: a figure takes seconds, and is drawn again where it has changed.
    return [*kind_of(figure).inputs(figure, CONFIG), kind_of(figure).__file__]
