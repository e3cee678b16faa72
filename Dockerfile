# The workflow with everything that it runs on, for CPUs. Results stay outside:
#   docker build --tag sirbench .
#   docker run --rm --volume "$PWD/results:/sirbench/results" sirbench table3 --config study=demo
# With Apptainer: `apptainer build sirbench.sif docker-daemon:sirbench:latest`.
FROM python:3.11-slim-bookworm

# git: the commit is part of every result's provenance.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git=1:2.39.* \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /sirbench
COPY requirements.lock ./
RUN pip install --no-cache-dir --requirement requirements.lock --extra-index-url https://download.pytorch.org/whl/cpu

COPY . .
RUN pip install --no-cache-dir --no-deps --editable .

ENTRYPOINT ["snakemake", "--cores", "all", "--rerun-incomplete"]
CMD ["table3"]
