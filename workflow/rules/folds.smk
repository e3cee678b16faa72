"""Folds: what a whole cell has, of the models of its folds."""

WHOLE = Cell(STUDY, "{candidates}", "{backbone}", "{recipe}", "{seed}")


def folds_of(wildcards) -> list[Cell]:
    """The cells of the folds of a whole cell."""
    return trained_cells(CONFIG, cell_of(wildcards))


rule pool_provenance:
    input:
        folds=lambda wildcards: [one.provenance for one in folds_of(wildcards)],
    output:
        provenance=WHOLE.provenance,
    log:
        PATHS.log("pool-provenance", WHOLE.job),
    benchmark:
        PATHS.benchmark("pool-provenance", WHOLE.job)
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
    shell:
        "python -m sirbench pool-provenance --study {params.study:q} --candidates {wildcards.candidates:q}"
        " --backbone {wildcards.backbone:q} --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"


rule pool_folds:
    input:
        provenance=WHOLE.provenance,
        queries=PATHS.queries("dev"),
        runs=lambda wildcards: [one.run for one in folds_of(wildcards)],
        metadata=lambda wildcards: [one.run_metadata for one in folds_of(wildcards)],
        per_query=lambda wildcards: [one.per_query for one in folds_of(wildcards)],
    output:
        run=WHOLE.run,
        metadata=WHOLE.run_metadata,
        per_query=WHOLE.per_query,
    log:
        PATHS.log("pool-folds", WHOLE.job),
    benchmark:
        PATHS.benchmark("pool-folds", WHOLE.job)
    wildcard_constraints:
        candidates=f"(?!{KEPT_CELLS})[^/]+" if KEPT_CELLS else "[^/]+",
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
    shell:
        "python -m sirbench pool-folds --study {params.study:q} --candidates {wildcards.candidates:q}"
        " --backbone {wildcards.backbone:q} --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"


rule pool_validation:
    input:
        provenance=WHOLE.provenance,
        queries=PATHS.queries("validation"),
        per_query=lambda wildcards: [one.validation_per_query for one in folds_of(wildcards)],
    output:
        per_query=WHOLE.validation_per_query,
    log:
        PATHS.log("pool-validation", WHOLE.job),
    benchmark:
        PATHS.benchmark("pool-validation", WHOLE.job)
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
    shell:
        "python -m sirbench pool-folds --split validation --study {params.study:q}"
        " --candidates {wildcards.candidates:q} --backbone {wildcards.backbone:q}"
        " --recipe {wildcards.recipe:q} --seed {wildcards.seed:q} > {log:q} 2>&1"
