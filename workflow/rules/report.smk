"""Tables and figures: one target per file in config/tables/ and config/figures/, whatever its name."""


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
        table="|".join(map(re.escape, CONFIG.tables)),
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
        candidates=lambda wildcards: table_heads(wildcards.table),
        face=CONFIG.study.model_dump_json(include={"title", "demonstration", "comparable"}),
    shell:
        "python -m sirbench table --study {params.study} --table {wildcards.table} > {log} 2>&1"


rule write_figure:
    input:
        lambda wildcards: figure_inputs(wildcards.figure),
        str(RC),
    output:
        report(
            PATHS.figure("{figure}", "svg"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        [PATHS.figure("{figure}", ending) for ending in ("pdf", "png", "csv")],
    log:
        log_file("figure/{figure}"),
    benchmark:
        benchmark_file("figure/{figure}")
    wildcard_constraints:
        figure="|".join(map(re.escape, CONFIG.figures)),
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        figure=lambda wildcards: CONFIG.figures[wildcards.figure].model_dump_json(),
        caption=lambda wildcards: CONFIG.figures[wildcards.figure].caption,
        face=CONFIG.study.model_dump_json(include={"title", "demonstration", "comparable"}),
    shell:
        "python -m sirbench figure --study {params.study} --figure {wildcards.figure} > {log} 2>&1"


# `snakemake table3`, and `snakemake mine` for config/tables/mine.yaml or config/figures/mine.yaml.
for name in CONFIG.tables:

    rule:
        name:
            name
        input:
            PATHS.table(name),
        localrule: True


for name in CONFIG.figures:

    rule:
        name:
            name
        input:
            PATHS.figure(name),
        localrule: True
