"""Tables and figures: one target per file in config/tables/ and config/figures/, whatever its name."""

from sirbench.reporting.figures.drawing.style import RC


rule write_table:
    input:
        cells=table_cells,
        candidates=table_candidates,
        published="published/yes-sir.csv" if CONFIG.study.comparable else [],
        reported=reported_numbers,
    output:
        csv=report(
            PATHS.table("{table}"),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        printed=[PATHS.table("{table}", ending) for ending in ("md", "tex")],
    log:
        PATHS.log("table", "{table}"),
    benchmark:
        PATHS.benchmark("table", "{table}")
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
        candidates=table_heads,
        face=CONFIG.study.model_dump_json(include={"title", "demonstration", "comparable"}),
    shell:
        "python -m sirbench table --study {params.study:q} --table {wildcards.table:q} > {log:q} 2>&1"


rule write_claims:
    input:
        cells=claimed_cells,
        published="published/yes-sir.csv",
    output:
        csv=report(
            PATHS.claims(),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "claims"},
        ),
        printed=[PATHS.claims(ending) for ending in ("md", "tex")],
    log:
        PATHS.log("claims"),
    benchmark:
        PATHS.benchmark("claims")
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        study=STUDY,
        claims={name: family.model_dump_json() for name, family in CONFIG.claims.items()},
        face=CONFIG.study.model_dump_json(include={"title", "demonstration"}),
    shell:
        "python -m sirbench claims --study {params.study:q} > {log:q} 2>&1"


rule write_figure:
    input:
        drawn=figure_inputs,
        # With the code that draws it: a figure takes seconds, and is drawn again where it has changed.
        code=lambda wildcards: CONFIG.figures[wildcards.figure].source,
        style=str(RC),
    output:
        svg=report(
            PATHS.figure("{figure}", "svg"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        others=[PATHS.figure("{figure}", ending) for ending in ("pdf", "png", "csv")],
    log:
        PATHS.log("figure", "{figure}"),
    benchmark:
        PATHS.benchmark("figure", "{figure}")
    wildcard_constraints:
        figure=any_of(name for name in CONFIG.figures if name not in OF_KEPT_CELLS or name in LOST_FIGURES),
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
        "python -m sirbench figure --study {params.study:q} --figure {wildcards.figure:q} > {log:q} 2>&1"


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
