"""Instead of every rule, where the Python package that they run is missing: a job that says how to install it."""


rule tables:
    input:
        "tables-of-a-study",
    localrule: True


rule say_what_is_missing:
    output:
        "{target}",
    log:
        "results/not-installed/{target}.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        missing=MISSING,
    shell:
        "echo 'No Python package' {params.missing:q} 'here: first run `make`, or the conda commands of README.md, or pip'"
        "' install git+URL for the repository that this workflow is from' | tee {log:q} >&2; exit 1"
