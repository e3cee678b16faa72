"""Backbones as local checkpoints, and the collection in the tokens of each."""

# Backbones that the suite trains itself are made by another rule than those that exist.
PRETRAINED = pretraining.pretrained(CONFIG.study)
CORPORA = pretraining.corpora(CONFIG.study)


rule fetch_backbone:
    input:
        collection=documents_of_backbone,
    output:
        checkpoint=directory(PATHS.backbone("{backbone}")),
    log:
        PATHS.log("backbone", "{backbone}"),
    benchmark:
        PATHS.benchmark("backbone", "{backbone}")
    wildcard_constraints:
        backbone=any_of(name for name in CONFIG.study.backbones if name not in PRETRAINED),
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
        "python -m sirbench backbone --study {params.study:q} --backbone {wildcards.backbone:q} > {log:q} 2>&1"


rule tokenize_corpus:
    input:
        texts=corpus_files,
        tokenizer=lambda wildcards: PATHS.backbone(CORPORA[wildcards.corpus][0]),
    output:
        store=directory(PATHS.corpus("{corpus}")),
    log:
        PATHS.log("tokenize-corpus", "{corpus}"),
    benchmark:
        PATHS.benchmark("tokenize-corpus", "{corpus}")
    wildcard_constraints:
        corpus=any_of(CORPORA),
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(max(240, COMPUTE.runtime)),
    params:
        study=STUDY,
        method=job.PRETRAINING,
    shell:
        "python -m sirbench tokenize-corpus --study {params.study:q} --corpus {wildcards.corpus:q} > {log:q} 2>&1"


rule pretrain_backbone:
    input:
        collection=PATHS.collection,
        start=lambda wildcards: PATHS.backbone(PRETRAINED[wildcards.backbone].start),
        corpus=lambda wildcards: PATHS.corpus(pretraining.corpus_name(CONFIG.study, wildcards.backbone)),
        held_out=held_out_of_backbone,
    output:
        checkpoint=directory(PATHS.pretraining("{backbone}").model),
        step_log=PATHS.pretraining("{backbone}").step_log,
        provenance=PATHS.pretraining("{backbone}").provenance,
    log:
        PATHS.log("pretrain-backbone", "{backbone}"),
    benchmark:
        PATHS.benchmark("pretrain-backbone", "{backbone}")
    wildcard_constraints:
        backbone=any_of(PRETRAINED),
    conda:
        ENVIRONMENT
    threads: COMPUTE.threads
    resources:
        gpu=min(1, COMPUTE.gpus),
        mem_mb=growing(COMPUTE.mem_mb),
        runtime=growing(COMPUTE.runtime),
    params:
        study=STUDY,
        settings=lambda wildcards: str(pretraining.pretraining_settings(CONFIG.study, wildcards.backbone)),
    shell:
        "exec python -m sirbench pretrain-backbone --study {params.study:q} --backbone {wildcards.backbone:q}"
        " > {log:q} 2>&1"


rule tokenize:
    input:
        collection=PATHS.collection,
        queries=[PATHS.queries(split) for split in ("train", "dev")],
        backbone=PATHS.backbone("{backbone}"),
    output:
        store=directory(PATHS.tokens("{backbone}")),
    log:
        PATHS.log("tokenize", "{backbone}"),
    benchmark:
        PATHS.benchmark("tokenize", "{backbone}")
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
        "python -m sirbench tokenize --study {params.study:q} --backbone {wildcards.backbone:q} > {log:q} 2>&1"
