"""Tables: one target per file in config/tables/, whatever its name."""


def table_inputs(name: str) -> list:
    """The measures of every cell that a table shows or compares with, and of its candidates."""
    table = CONFIG.tables[name]
    return [
        *[
            PATHS.cell(*cell, seed) / "per_query.csv"
            for cell in plan.cells(CONFIG, table)
            for seed in CONFIG.study.seeds
        ],
        *[PATHS.first_stage(candidates) for candidates in plan.shown_candidates(CONFIG, table)],
    ]


rule write_table:
    input:
        lambda wildcards: table_inputs(wildcards.table),
        "published/yes-sir.csv" if CONFIG.study.comparable else [],
    output:
        [PATHS.table("{table}", ending) for ending in ("csv", "md", "tex")],
    log:
        log_file("table/{table}"),
    benchmark:
        benchmark_file("table/{table}")
    wildcard_constraints:
        table="|".join(CONFIG.tables),
    params:
        table=lambda wildcards: CONFIG.tables[wildcards.table].model_dump_json(),
        study=CONFIG.study.model_dump_json(include={"title", "demonstration", "comparable"}),
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    shell:
        "sirbench table --study {STUDY} --table {wildcards.table} > {log} 2>&1"


# `snakemake table3`, and `snakemake mine` for config/tables/mine.yaml.
for name in CONFIG.tables:

    rule:
        name:
            name
        localrule: True
        input:
            PATHS.table(name),
