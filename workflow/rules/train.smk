"""Training: a job per compressor that V1 and V2 share, and a job per cell."""


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


def cell_job(wildcards) -> plan.Job:
    return plan.plan(CONFIG.recipes[wildcards.recipe], CONFIG.study)


# What changes a trained model besides its job. Compute is not in it: it changes rounding only.
SETTINGS = CONFIG.study.model_dump_json(include={"training", "input", "depth"})
# Several GPUs train one model as one process each.
LAUNCH = f"torchrun --standalone --nproc-per-node={COMPUTE.gpus} --no-python " if COMPUTE.gpus > 1 else ""


rule train_level:
    input:
        lambda wildcards: training_inputs(plan.level_named(wildcards.level, CONFIG), wildcards),
    output:
        directory(PATHS.level(*LEVEL) / "model"),
        PATHS.level(*LEVEL) / "scored.trec.gz",
        PATHS.level(*LEVEL) / "train.jsonl",
        PATHS.level(*LEVEL) / "selection.parquet",
        PATHS.level(*LEVEL) / "provenance.json",
    log:
        log_file("train-level/{candidates}-{backbone}-{level}-seed{seed}"),
    benchmark:
        benchmark_file("train-level/{candidates}-{backbone}-{level}-seed{seed}")
    params:
        settings=SETTINGS,
        launch=LAUNCH,
    threads: COMPUTE.threads
    resources:
        gpu=COMPUTE.gpus,
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    shell:
        "{params.launch}sirbench train-level --study {STUDY} --candidates {wildcards.candidates}"
        " --backbone {wildcards.backbone} --level {wildcards.level} --seed {wildcards.seed} > {log} 2>&1"


rule train:
    input:
        lambda wildcards: training_inputs(cell_job(wildcards), wildcards),
    output:
        directory(PATHS.cell(*CELL) / "model"),
        PATHS.cell(*CELL) / "train.jsonl",
        PATHS.cell(*CELL) / "selection.parquet",
        PATHS.cell(*CELL) / "provenance.json",
    log:
        log_file("train/{candidates}-{backbone}-{recipe}-seed{seed}"),
    benchmark:
        benchmark_file("train/{candidates}-{backbone}-{recipe}-seed{seed}")
    params:
        settings=SETTINGS,
        job=lambda wildcards: cell_job(wildcards).model_dump_json(),
        launch=LAUNCH,
    threads: COMPUTE.threads
    resources:
        gpu=COMPUTE.gpus,
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    shell:
        "{params.launch}sirbench train --study {STUDY} --candidates {wildcards.candidates}"
        " --backbone {wildcards.backbone} --recipe {wildcards.recipe} --seed {wildcards.seed} > {log} 2>&1"
