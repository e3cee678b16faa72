"""The collection: PyDocs where a study asks for it, and the study's queries and judgements."""

from importlib.metadata import version

from sirbench.data.pydocs import PACKAGES, REVISION, data_home


rule build_pydocs:
    output:
        record=str(data_home() / "{pydocs}" / "collection.json"),
        files=[
            str(data_home() / "{pydocs}" / name)
            for name in (
                "documents.jsonl.gz",
                "train.queries.tsv",
                "train.qrels",
                "dev.queries.tsv",
                "dev.qrels",
                "links.tsv",
                "clusters.tsv",
            )
        ],
    log:
        PATHS.log("{pydocs}"),
    benchmark:
        PATHS.benchmark("{pydocs}")
    wildcard_constraints:
        pydocs="|".join(PACKAGES),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        versions=lambda wildcards: {
            package: version(wheel) for package, wheel in PACKAGES[wildcards.pydocs].items()
        },
        revision=REVISION,
    shell:
        "python -m sirbench pydocs {wildcards.pydocs:q} > {log:q} 2>&1"


rule extract_queries:
    input:
        pydocs=embedded_collection,
        files=own_files,
    output:
        **held_out_inputs(CONFIG),
        **folds_input(CONFIG),
        record=PATHS.collection,
        queries=[PATHS.queries(split) for split in CONFIG.study.collection.splits],
        qrels=[PATHS.qrels(split) for split in CONFIG.study.collection.splits],
    log:
        PATHS.log("collection"),
    benchmark:
        PATHS.benchmark("collection")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        study=STUDY,
        collection=CONFIG.study.collection.model_dump_json(),
    shell:
        "python -m sirbench collection --study {params.study:q} > {log:q} 2>&1"
