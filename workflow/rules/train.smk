"""Training: a job per compressor that V1 and V2 share, and a job per cell."""

# `exec` in the rules: a signal of the cluster then reaches the training process itself, which writes a
# checkpoint, and not a shell that dies and leaves it behind.

# The cells that also keep their model as it is in the middle of training, since a figure asks for it. A look
# ahead from the first wildcard on is the only way to tell cells, not only recipes, from others.
WITH_MIDDLE = "|".join(re.escape(f"{cell.name}/") for cell in needs.embedded_cells(CONFIG))


rule train_level:
    input:
        unpack(lambda wildcards: training_inputs(compressor_of(wildcards), level_named(wildcards.level))),
    output:
        model=directory(COMPRESSOR.model),
        scored=COMPRESSOR.scored,
        step_log=COMPRESSOR.step_log,
        selection=COMPRESSOR.selection,
        provenance=COMPRESSOR.provenance,
    log:
        PATHS.log("train-level", COMPRESSOR.job),
    benchmark:
        PATHS.benchmark("train-level", COMPRESSOR.job)
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=COMPUTE.gpus,
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        settings=lambda wildcards: str(job.training_settings(level_named(wildcards.level), CONFIG.study)),
    shell:
        of_fold(
            "exec python -m sirbench train-level --study {params.study:q} --candidates {wildcards.candidates:q}"
            " --backbone {wildcards.backbone:q} --level {wildcards.level:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
        )


rule train:
    input:
        unpack(cell_training_inputs),
    output:
        model=directory(CELL.model),
        step_log=CELL.step_log,
        selection=CELL.selection,
        provenance=CELL.provenance,
    log:
        PATHS.log("train", CELL.job),
    benchmark:
        PATHS.benchmark("train", CELL.job)
    wildcard_constraints:
        candidates=f"(?!{WITH_MIDDLE})[^/]+" if WITH_MIDDLE else "[^/]+",
        recipe=any_of(name for name, recipe in CONFIG.trained.items() if recipe.trains),
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
        settings=lambda wildcards: str(job.training_settings(job_of_cell(wildcards), CONFIG.study)),
        job=lambda wildcards: job_of_cell(wildcards).model_dump_json(),
    shell:
        of_fold(
            "exec python -m sirbench train --study {params.study:q} --candidates {wildcards.candidates:q}"
            " --backbone {wildcards.backbone:q} --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
        )


if WITH_MIDDLE:

    use rule train as train_with_middle with:
        output:
            model=directory(CELL.model),
            middle=directory(CELL.middle),
            step_log=CELL.step_log,
            selection=CELL.selection,
            provenance=CELL.provenance,
        wildcard_constraints:
            candidates=f"(?={WITH_MIDDLE})[^/]+",


# Where a recipe trains nothing, the backbone is the model, and the provenance all that a cell has before it scores.
rule keep_backbone:
    input:
        backbone=PATHS.backbone("{backbone}"),
        tokens=PATHS.tokens("{backbone}"),
    output:
        provenance=CELL.provenance,
    log:
        PATHS.log("train", CELL.job),
    benchmark:
        PATHS.benchmark("train", CELL.job)
    wildcard_constraints:
        recipe=any_of(name for name, recipe in CONFIG.trained.items() if not recipe.trains),
    group:
        CELL_GROUP
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        study=STUDY,
        method=job.SCORING,
    shell:
        "python -m sirbench train --study {params.study:q} --candidates {wildcards.candidates:q}"
        " --backbone {wildcards.backbone:q} --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
