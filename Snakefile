# The workflow itself is in workflow/; `snakemake TARGET` runs from here.
include: "workflow/Snakefile"
