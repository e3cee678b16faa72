"""Tables: one target per file in config/tables/, whatever its name."""


rule write_table:
    input:
        lambda wildcards: table_inputs(wildcards.table),
        "published/yes-sir.csv" if CONFIG.study.comparable else [],
    output:
        report(
            PATHS.table("{table}"),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        [PATHS.table("{table}", ending) for ending in ("md", "tex")],
    log:
        log_file("table/{table}"),
    benchmark:
        benchmark_file("table/{table}")
    wildcard_constraints:
        table="|".join(CONFIG.tables),
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        table=lambda wildcards: CONFIG.tables[wildcards.table].model_dump_json(),
        face=CONFIG.study.model_dump_json(include={"title", "demonstration", "comparable"}),
    shell:
        "python -m sirbench table --study {params.study} --table {wildcards.table} > {log} 2>&1"


# `snakemake table3`, and `snakemake mine` for config/tables/mine.yaml.
for name in CONFIG.tables:

    rule:
        name:
            name
        input:
            PATHS.table(name),
        localrule: True
