"""Candidates: retrieved by one of the suite's first stages, or given as run files."""

from sirbench.firststage import training_settings as first_stage_settings


rule train_first_stage:
    input:
        **held_out_inputs(CONFIG),
        collection=PATHS.collection,
        tokens=lambda wildcards: PATHS.tokens(learned_with(wildcards)),
        start=first_stage_start,
    output:
        model=directory(PATHS.learned("{candidates}").model),
        step_log=PATHS.learned("{candidates}").step_log,
        provenance=PATHS.learned("{candidates}").provenance,
    log:
        PATHS.log("train-first-stage", "{candidates}"),
    benchmark:
        PATHS.benchmark("train-first-stage", "{candidates}")
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=min(1, COMPUTE.gpus),
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        settings=lambda wildcards: str(first_stage_settings(first_stage(wildcards))),
        method=job.FIRST_STAGE,
        input=CONFIG.study.input.model_dump_json(),
    shell:
        "exec python -m sirbench train-first-stage --study {params.study:q}"
        " --candidates {wildcards.candidates:q} > {log:q} 2>&1"


rule make_candidates:
    input:
        runs=given_runs,
        model=lambda wildcards: PATHS.learned(wildcards.candidates).model if learned_with(wildcards) else [],
        tokens=lambda wildcards: PATHS.tokens(learned_with(wildcards)) if learned_with(wildcards) else [],
        collection=PATHS.collection,
        queries=[PATHS.queries(split) for split in CONFIG.study.collection.splits],
    output:
        runs=[PATHS.candidates("{candidates}", split) for split in CONFIG.study.collection.splits],
    log:
        PATHS.log("candidates", "{candidates}"),
    benchmark:
        PATHS.benchmark("candidates", "{candidates}")
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
        depth=CONFIG.study.depth,
        method=job.FIRST_STAGE,
    shell:
        "python -m sirbench candidates --study {params.study:q} --candidates {wildcards.candidates:q} > {log:q} 2>&1"


rule evaluate_candidates:
    input:
        run=PATHS.candidates("{candidates}", "dev"),
        queries=PATHS.queries("dev"),
        qrels=PATHS.qrels("dev"),
    output:
        per_query=PATHS.candidates_per_query("{candidates}"),
    log:
        PATHS.log("evaluate-candidates", "{candidates}"),
    benchmark:
        PATHS.benchmark("evaluate-candidates", "{candidates}")
    wildcard_constraints:
        candidates=f"(?!{KEPT_CANDIDATES})[^/]+" if KEPT_CANDIDATES else "[^/]+",
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        measures=needs.candidates_measures(CONFIG),
        depth=CONFIG.study.depth,
        method=job.SCORING,
    shell:
        "python -m sirbench evaluate-candidates --study {params.study:q} --candidates {wildcards.candidates:q} > {log:q} 2>&1"
