"""Further sets of queries, of this or other collections, and cells that re-rank other candidates than their own."""


rule extract_query_set:
    input:
        record=PATHS.collection,
        read=further_collection,
    output:
        record=FURTHER.collection,
        queries=FURTHER.queries(HOME),
        qrels=FURTHER.qrels(HOME),
    log:
        FURTHER.log("collection"),
    benchmark:
        FURTHER.benchmark("collection")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        study=STUDY,
        queries=lambda wildcards: CONFIG.study.evaluate_on[wildcards.queries].model_dump_json(),
    shell:
        "python -m sirbench collection --study {params.study:q} --on {wildcards.queries:q} > {log:q} 2>&1"


rule make_further_candidates:
    input:
        runs=given_runs,
        model=lambda wildcards: PATHS.learned(wildcards.candidates).model if learned_with(wildcards) else [],
        tokens=lambda wildcards: (
            tokens_on(wildcards, learned_with(wildcards)) if learned_with(wildcards) else []
        ),
        queries=FURTHER.queries(HOME),
    output:
        run=FURTHER.candidates("{candidates}", HOME),
    log:
        FURTHER.log("candidates", "{candidates}"),
    benchmark:
        FURTHER.benchmark("candidates", "{candidates}")
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=lambda wildcards: min(1, COMPUTE.gpus) if learned_with(wildcards) else 0,
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        candidates=lambda wildcards: first_stage(wildcards).model_dump_json(),
        depth=lambda wildcards: CONFIG.study.depth_on(wildcards.queries),
        method=job.FIRST_STAGE,
    shell:
        "python -m sirbench candidates --study {params.study:q} --candidates {wildcards.candidates:q}"
        " --on {wildcards.queries:q} > {log:q} 2>&1"


rule evaluate_further_candidates:
    input:
        run=FURTHER.candidates("{candidates}", HOME),
        queries=FURTHER.queries(HOME),
        qrels=FURTHER.qrels(HOME),
    output:
        per_query=FURTHER.candidates_per_query("{candidates}"),
    log:
        FURTHER.log("evaluate-candidates", "{candidates}"),
    benchmark:
        FURTHER.benchmark("evaluate-candidates", "{candidates}")
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        measures=lambda wildcards: needs.candidates_measures(CONFIG.at(wildcards.queries)),
        method=job.SCORING,
    shell:
        "python -m sirbench evaluate-candidates --study {params.study:q} --candidates {wildcards.candidates:q}"
        " --on {wildcards.queries:q} > {log:q} 2>&1"


rule tokenize_further:
    input:
        queries=FURTHER.queries(HOME),
        backbone=PATHS.backbone("{backbone}"),
    output:
        store=directory(FURTHER.tokens("{backbone}")),
    log:
        FURTHER.log("tokenize", "{backbone}"),
    benchmark:
        FURTHER.benchmark("tokenize", "{backbone}")
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        study=STUDY,
        input=CONFIG.study.input.model_dump_json(),
    shell:
        "python -m sirbench tokenize --study {params.study:q} --backbone {wildcards.backbone:q}"
        " --on {wildcards.queries:q} > {log:q} 2>&1"


rule rerank_further:
    input:
        model=scoring_model,
        provenance=CELL.provenance,
        candidates=lambda wildcards: layout_on(wildcards).candidates(wildcards.reranked, HOME),
        tokens=lambda wildcards: tokens_on(wildcards, wildcards.backbone),
    output:
        run=EVALUATION.run,
    log:
        PATHS.log("rerank", EVALUATION.job),
    benchmark:
        PATHS.benchmark("rerank", EVALUATION.job)
    group:
        f"cell-{EVALUATION.job}"
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=min(1, COMPUTE.gpus),
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(SCORING_RUNTIME),
    params:
        study=STUDY,
        depth=lambda wildcards: CONFIG.study.depth_on(wildcards.queries),
        method=job.SCORING,
    shell:
        "python -m sirbench rerank --on {wildcards.queries:q} --reranked {wildcards.reranked:q}"
        " --study {params.study:q} --candidates {wildcards.candidates:q} --backbone {wildcards.backbone:q}"
        " --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"


rule evaluate_further:
    input:
        run=EVALUATION.run,
        queries=lambda wildcards: layout_on(wildcards).queries(HOME),
        qrels=lambda wildcards: layout_on(wildcards).qrels(HOME),
    output:
        per_query=EVALUATION.per_query,
    log:
        PATHS.log("evaluate", EVALUATION.job),
    benchmark:
        PATHS.benchmark("evaluate", EVALUATION.job)
    group:
        f"cell-{EVALUATION.job}"
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
        "python -m sirbench evaluate --on {wildcards.queries:q} --reranked {wildcards.reranked:q}"
        " --study {params.study:q} --candidates {wildcards.candidates:q} --backbone {wildcards.backbone:q}"
        " --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
