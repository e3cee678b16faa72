"""Candidates: retrieved by one of the suite's first stages, or given as run files."""


rule train_first_stage:
    input:
        PATHS.collection,
        lambda wildcards: PATHS.tokens(first_stage(wildcards).backbone),
        lambda wildcards: first_stage_start(first_stage(wildcards)),
    output:
        directory(PATHS.learned("{candidates}") / "model"),
        PATHS.learned("{candidates}") / "train.jsonl",
        PATHS.learned("{candidates}") / "provenance.json",
    log:
        log_file("train-first-stage/{candidates}"),
    benchmark:
        benchmark_file("train-first-stage/{candidates}")
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=min(1, COMPUTE.gpus),
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        settings=lambda wildcards: str(first_stage(wildcards).training_settings()),
        method=plan.FIRST_STAGE,
        input=CONFIG.study.input.model_dump_json(),
    shell:
        "exec python -m sirbench train-first-stage --study {params.study}"
        " --candidates {wildcards.candidates} > {log} 2>&1"


rule make_candidates:
    input:
        given_runs,
        lambda wildcards: retrieval_inputs(first_stage(wildcards)),
        PATHS.collection,
        [PATHS.queries(split) for split in ("train", "dev")],
    output:
        [PATHS.candidates("{candidates}", split) for split in ("train", "dev")],
    log:
        log_file("candidates/{candidates}"),
    benchmark:
        benchmark_file("candidates/{candidates}")
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=lambda wildcards: min(1, COMPUTE.gpus) if getattr(first_stage(wildcards), "backbone", None) else 0,
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        candidates=lambda wildcards: CONFIG.study.candidates[wildcards.candidates].model_dump_json(),
        depth=CONFIG.study.depth,
        method=plan.FIRST_STAGE,
    shell:
        "python -m sirbench candidates --study {params.study} --candidates {wildcards.candidates} > {log} 2>&1"


rule evaluate_candidates:
    input:
        PATHS.candidates("{candidates}", "dev"),
        PATHS.queries("dev"),
        PATHS.qrels("dev"),
    output:
        PATHS.first_stage("{candidates}"),
    log:
        log_file("evaluate-candidates/{candidates}"),
    benchmark:
        benchmark_file("evaluate-candidates/{candidates}")
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        measures=plan.candidates_measures(CONFIG),
        depth=CONFIG.study.depth,
        method=plan.SCORING,
    shell:
        "python -m sirbench evaluate-candidates --study {params.study} --candidates {wildcards.candidates} > {log} 2>&1"
