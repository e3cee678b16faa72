"""Backbones as local checkpoints, and the collection in the tokens of each."""

# Backbones that the suite trains itself are made by another rule than those that exist.
PRETRAINED = "|".join(map(re.escape, plan.pretrained(CONFIG.study))) or "(?!)"
FETCHED = "|".join(
    re.escape(name) for name in CONFIG.study.backbones if name not in plan.pretrained(CONFIG.study)
)


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
    wildcard_constraints:
        backbone=FETCHED,
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


rule tokenize_corpus:
    input:
        lambda wildcards: corpus_files(wildcards.corpus),
        lambda wildcards: PATHS.backbone(plan.corpora(CONFIG.study)[wildcards.corpus][0]),
    output:
        directory(PATHS.corpus("{corpus}")),
    log:
        log_file("tokenize-corpus/{corpus}"),
    benchmark:
        benchmark_file("tokenize-corpus/{corpus}")
    wildcard_constraints:
        corpus="|".join(map(re.escape, plan.corpora(CONFIG.study))) or "(?!)",
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(max(240, COMPUTE.runtime)),
    params:
        study=STUDY,
        method=plan.PRETRAINING,
    shell:
        "python -m sirbench tokenize-corpus --study {params.study} --corpus {wildcards.corpus} > {log} 2>&1"


rule pretrain_backbone:
    input:
        lambda wildcards: PATHS.backbone(CONFIG.study.backbones[wildcards.backbone].start),
        lambda wildcards: PATHS.corpus(plan.corpus_name(CONFIG.study, wildcards.backbone)),
    output:
        directory(PATHS.backbone("{backbone}")),
        PATHS.pretraining("{backbone}") / "train.jsonl",
        PATHS.pretraining("{backbone}") / "provenance.json",
    log:
        log_file("pretrain-backbone/{backbone}"),
    benchmark:
        benchmark_file("pretrain-backbone/{backbone}")
    wildcard_constraints:
        backbone=PRETRAINED,
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=min(1, COMPUTE.gpus),
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        settings=lambda wildcards: str(plan.pretraining_settings(CONFIG.study, wildcards.backbone)),
    shell:
        "exec python -m sirbench pretrain-backbone --study {params.study} --backbone {wildcards.backbone}"
        " > {log} 2>&1"


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
