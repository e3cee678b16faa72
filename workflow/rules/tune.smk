"""Choices on validation queries: `snakemake tune` makes those of config/tuning/ that apply to the study."""


rule rerank_validation:
    input:
        model=CELL.model,
        provenance=CELL.provenance,
        queries=PATHS.queries("validation"),
        candidates=PATHS.candidates("{candidates}", "validation"),
        tokens=PATHS.tokens("{backbone}"),
        tokenizer=PATHS.backbone("{backbone}"),
    output:
        run=CELL.validation_run,
    log:
        PATHS.log("rerank-validation", CELL.job),
    benchmark:
        PATHS.benchmark("rerank-validation", CELL.job)
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
            "python -m sirbench rerank --split validation --study {params.study:q}"
            " --candidates {wildcards.candidates:q} --backbone {wildcards.backbone:q}"
            " --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
        )


rule evaluate_validation:
    input:
        run=CELL.validation_run,
        queries=PATHS.queries("validation"),
        qrels=PATHS.qrels("validation"),
    output:
        per_query=CELL.validation_per_query,
    log:
        PATHS.log("evaluate-validation", CELL.job),
    benchmark:
        PATHS.benchmark("evaluate-validation", CELL.job)
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
        measures=tuning.measures(CONFIG),
        method=job.SCORING,
    shell:
        of_fold(
            "python -m sirbench evaluate --split validation --study {params.study:q}"
            " --candidates {wildcards.candidates:q} --backbone {wildcards.backbone:q}"
            " --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
        )


rule write_tuning:
    input:
        measured=tuned_cells,
    output:
        csv=report(
            PATHS.tuning("{tuning}"),
            caption="../report/table.rst",
            category="Choices",
            labels={"choice": "{tuning}"},
        ),
        others=[PATHS.tuning("{tuning}", ending) for ending in ("md", "json")],
    log:
        PATHS.log("tune", "{tuning}"),
    benchmark:
        PATHS.benchmark("tune", "{tuning}")
    wildcard_constraints:
        tuning=any_of(CONFIG.tunings),
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        tuning=lambda wildcards: CONFIG.tunings[wildcards.tuning].model_dump_json(),
        face=CONFIG.study.model_dump_json(include={"title", "demonstration"}),
    shell:
        "python -m sirbench tune --study {params.study:q} --tuning {wildcards.tuning:q} > {log:q} 2>&1"


rule tune:
    input:
        tunings,
    localrule: True
