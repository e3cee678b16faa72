"""Training: a job per compressor that V1 and V2 share, and a job per cell."""

# `exec` in the rules: a signal of the cluster then reaches the training process itself, which writes a
# checkpoint, and not a shell that dies and leaves it behind.

# The cells that also keep their model as it is in the middle of training, since a figure asks for it. A look
# ahead from the first wildcard on is the only way to tell cells, not only recipes, from others.
WITH_MIDDLE = "|".join(
    re.escape(f"{candidates}/{backbone}/{recipe}/seed{seed}/")
    for candidates, backbone, recipe, seed in plan.embedded_cells(CONFIG)
)


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
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=COMPUTE.gpus,
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        settings=str(plan.training_settings(CONFIG.study)),
    shell:
        "exec python -m sirbench train-level --study {params.study} --candidates {wildcards.candidates}"
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
    wildcard_constraints:
        candidates=f"(?!{WITH_MIDDLE})[^/]+" if WITH_MIDDLE else "[^/]+",
    group:
        CELL_GROUP
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=COMPUTE.gpus,
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        settings=str(plan.training_settings(CONFIG.study)),
        job=lambda wildcards: cell_job(wildcards).model_dump_json(),
    shell:
        "exec python -m sirbench train --study {params.study} --candidates {wildcards.candidates}"
        " --backbone {wildcards.backbone} --recipe {wildcards.recipe} --seed {wildcards.seed} > {log} 2>&1"


if WITH_MIDDLE:

    use rule train as train_with_middle with:
        output:
            directory(PATHS.cell(*CELL) / "model"),
            directory(PATHS.cell(*CELL) / "middle"),
            PATHS.cell(*CELL) / "train.jsonl",
            PATHS.cell(*CELL) / "selection.parquet",
            PATHS.cell(*CELL) / "provenance.json",
        wildcard_constraints:
            candidates=f"(?={WITH_MIDDLE})[^/]+",
