"""Evaluation: a cell's scores of the dev candidates, and the measures of each query."""

# Minutes of one forward pass over the dev candidates, or over some of the training's, beside all of a training.
# A cluster adds it to the training's, as both are one job.
SCORING_RUNTIME = max(30, COMPUTE.runtime // 8)


rule rerank:
    input:
        PATHS.cell(*CELL) / "model",
        PATHS.cell(*CELL) / "provenance.json",
        PATHS.candidates("{candidates}", "dev"),
        PATHS.tokens("{backbone}"),
    output:
        PATHS.cell(*CELL) / "run.trec.gz",
        PATHS.cell(*CELL) / "run.ir_metadata.yaml",
    log:
        log_file("rerank/{candidates}-{backbone}-{recipe}-seed{seed}"),
    benchmark:
        benchmark_file("rerank/{candidates}-{backbone}-{recipe}-seed{seed}")
    group:
        CELL_GROUP
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=min(1, COMPUTE.gpus),
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(SCORING_RUNTIME),
    params:
        study=STUDY,
        depth=CONFIG.study.depth,
        method=plan.SCORING,
    shell:
        "python -m sirbench rerank --study {params.study} --candidates {wildcards.candidates}"
        " --backbone {wildcards.backbone} --recipe {wildcards.recipe} --seed {wildcards.seed} > {log} 2>&1"


# A job of its own: were it one with the training, its failure would delete the model that it reads.
rule embed:
    input:
        # The start of a training is the backbone, or the level before.
        lambda wildcards: training_inputs(cell_job(wildcards), wildcards),
        lambda wildcards: front_trace(cell_job(wildcards), wildcards),
        PATHS.cell(*CELL) / "model",
        PATHS.cell(*CELL) / "middle",
        PATHS.cell(*CELL) / "selection.parquet",
        PATHS.queries("dev"),
        PATHS.qrels("dev"),
        PATHS.candidates("{candidates}", "dev"),
    output:
        PATHS.cell(*CELL) / "embeddings.parquet",
    log:
        log_file("embed/{candidates}-{backbone}-{recipe}-seed{seed}"),
    benchmark:
        benchmark_file("embed/{candidates}-{backbone}-{recipe}-seed{seed}")
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=min(1, COMPUTE.gpus),
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(SCORING_RUNTIME),
    params:
        study=STUDY,
        depth=CONFIG.study.depth,
        method=plan.SCORING,
        queries=embedded_queries,
    shell:
        "python -m sirbench embed --study {params.study} --candidates {wildcards.candidates}"
        " --backbone {wildcards.backbone} --recipe {wildcards.recipe} --seed {wildcards.seed} > {log} 2>&1"


rule evaluate:
    input:
        PATHS.cell(*CELL) / "run.trec.gz",
        PATHS.queries("dev"),
        PATHS.qrels("dev"),
    output:
        PATHS.cell(*CELL) / "per_query.csv",
    log:
        log_file("evaluate/{candidates}-{backbone}-{recipe}-seed{seed}"),
    benchmark:
        benchmark_file("evaluate/{candidates}-{backbone}-{recipe}-seed{seed}")
    group:
        CELL_GROUP
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        measures=plan.measures(CONFIG),
        method=plan.SCORING,
    shell:
        "python -m sirbench evaluate --study {params.study} --candidates {wildcards.candidates}"
        " --backbone {wildcards.backbone} --recipe {wildcards.recipe} --seed {wildcards.seed} > {log} 2>&1"
