"""Candidates: retrieved by one of the suite's first stages, or given as run files."""


rule make_candidates:
    input:
        given_runs,
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
    threads: 1
    resources:
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        candidates=lambda wildcards: CONFIG.study.candidates[wildcards.candidates].model_dump_json(),
        depth=CONFIG.study.depth,
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
        measures=plan.measures(CONFIG),
        depth=CONFIG.study.depth,
    shell:
        "python -m sirbench evaluate-candidates --study {params.study} --candidates {wildcards.candidates} > {log} 2>&1"
