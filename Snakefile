# The workflow itself is in workflow/; `snakemake TARGET` runs from here.
include: "workflow/Snakefile"


# What is included cannot be what `snakemake` makes without a target.
rule all:
    default_target: True
    input:
        rules.tables.input,
    localrule: True
