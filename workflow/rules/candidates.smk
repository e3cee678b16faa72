"""Candidates: retrieved by one of the suite's first stages, or given as run files."""


def given_runs(wildcards) -> list[str]:
    """Run files that are there; where one is not, the job itself says how to get it."""
    spec = CONFIG.study.candidates[wildcards.candidates]
    paths = [getattr(spec, split, None) for split in ("train", "dev")]
    return [str(path) for path in paths if path is not None and path.exists()]


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
    params:
        candidates=lambda wildcards: CONFIG.study.candidates[wildcards.candidates].model_dump_json(),
        depth=CONFIG.study.depth,
    threads: 1
    resources:
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    shell:
        "sirbench candidates --study {STUDY} --candidates {wildcards.candidates} > {log} 2>&1"


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
    params:
        measures=plan.measures(CONFIG),
        depth=CONFIG.study.depth,
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    shell:
        "sirbench evaluate-candidates --study {STUDY} --candidates {wildcards.candidates} > {log} 2>&1"
