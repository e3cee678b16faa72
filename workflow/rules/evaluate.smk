"""Evaluation: a cell's scores of the dev candidates, and the measures of each query."""

# Minutes of one forward pass over the dev candidates, or over some of the training's, beside all of a training.
# A cluster adds it to the training's, as both are one job.
SCORING_RUNTIME = max(30, COMPUTE.runtime // 8)


rule rerank:
    input:
        model=scoring_model,
        provenance=CELL.provenance,
        candidates=PATHS.candidates("{candidates}", "dev"),
        tokens=PATHS.tokens("{backbone}"),
    output:
        run=CELL.run,
        metadata=CELL.run_metadata,
    log:
        PATHS.log("rerank", CELL.job),
    benchmark:
        PATHS.benchmark("rerank", CELL.job)
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
        method=job.SCORING,
    shell:
        of_fold(
            "python -m sirbench rerank --study {params.study:q} --candidates {wildcards.candidates:q}"
            " --backbone {wildcards.backbone:q} --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
        )


# A job of its own: were it one with the training, its failure would delete the model that it reads.
rule embed:
    input:
        # The start of a training is the backbone, or the level before.
        unpack(cell_training_inputs),
        front=front_selection,
        model=CELL.model,
        middle=CELL.middle,
        selection=CELL.selection,
        dev_queries=PATHS.queries("dev"),
        dev_qrels=PATHS.qrels("dev"),
        dev_candidates=PATHS.candidates("{candidates}", "dev"),
    output:
        embeddings=CELL.embeddings,
    log:
        PATHS.log("embed", CELL.job),
    benchmark:
        PATHS.benchmark("embed", CELL.job)
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
        method=job.EMBEDDING,
        queries=lambda wildcards: needs.embedded_cells(CONFIG)[cell_of(wildcards)],
    shell:
        "python -m sirbench embed --study {params.study:q} --candidates {wildcards.candidates:q}"
        " --backbone {wildcards.backbone:q} --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"


rule evaluate:
    input:
        run=CELL.run,
        queries=PATHS.queries("dev"),
        qrels=PATHS.qrels("dev"),
    output:
        per_query=CELL.per_query,
    log:
        PATHS.log("evaluate", CELL.job),
    benchmark:
        PATHS.benchmark("evaluate", CELL.job)
    wildcard_constraints:
        candidates=f"(?!{KEPT_CELLS})[^/]+" if KEPT_CELLS else "[^/]+",
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
        measures=needs.measures(CONFIG),
        method=job.SCORING,
    shell:
        of_fold(
            "python -m sirbench evaluate --study {params.study:q} --candidates {wildcards.candidates:q}"
            " --backbone {wildcards.backbone:q} --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
        )
