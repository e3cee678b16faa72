"""Backbones as local checkpoints, and the collection in the tokens of each."""


rule fetch_backbone:
    input:
        # Only a backbone with a vocabulary of its own reads the documents.
        lambda wildcards: (
            PATHS.collection if CONFIG.study.backbones[wildcards.backbone].source == "tiny" else []
        ),
    output:
        directory(PATHS.backbone("{backbone}")),
    log:
        log_file("backbone/{backbone}"),
    benchmark:
        benchmark_file("backbone/{backbone}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        study=STUDY,
        backbone=lambda wildcards: CONFIG.study.backbones[wildcards.backbone].model_dump_json(),
    shell:
        "python -m sirbench backbone --study {params.study} --backbone {wildcards.backbone} > {log} 2>&1"


rule tokenize:
    input:
        PATHS.collection,
        [PATHS.queries(split) for split in ("train", "dev")],
        PATHS.backbone("{backbone}"),
    output:
        directory(PATHS.tokens("{backbone}")),
    log:
        log_file("tokenize/{backbone}"),
    benchmark:
        benchmark_file("tokenize/{backbone}")
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
        "python -m sirbench tokenize --study {params.study} --backbone {wildcards.backbone} > {log} 2>&1"
