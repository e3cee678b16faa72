# `make table3` sets everything up in .venv and makes Table 3 of a study: STUDY=demo unless you say otherwise.

STUDY ?= demo
CORES ?= $(shell nproc)
PYTHON ?= python3
MINUTES ?= 10

VENV := .venv
READY := $(VENV)/.ready
TABLES := $(basename $(notdir $(wildcard config/tables/*.yaml)))
FIGURES := $(basename $(notdir $(wildcard config/figures/*.yaml)))
# Workflow rules call `python`: let it be the one of .venv.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Where Snakemake finds its logger: a line per job, and the end of the log of one that failed.
export PYTHONPATH := $(CURDIR)/workflow/logger$(if $(PYTHONPATH),:$(PYTHONPATH))
SNAKEMAKE := snakemake --cores $(CORES) --rerun-incomplete --logger line --config study=$(STUDY)

.DEFAULT_GOAL := help
.PHONY: help $(TABLES) $(FIGURES) figures study tune report test quick faults lint format bench bench-gpu lock clean

help:  ## say what can be made
	$(info make TABLE [STUDY=demo] [CORES=$(CORES)], TABLE being one of: $(TABLES))
	$(info make FIGURE, FIGURE being one of: $(FIGURES), or figures for all of them)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Exact versions first; then the checkout itself, so that its code is what runs.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	@echo "Setting up $(VENV) (about a minute)"
	$(PYTHON) -m venv $(VENV)
	pip install --quiet --disable-pip-version-check --requirement requirements.lock
	pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(TABLES): $(READY)
	$(SNAKEMAKE) -- $@
	@cat results/$(STUDY)/tables/$@.md

$(FIGURES) figures: $(READY)
	$(SNAKEMAKE) -- $@
	@if [ $@ = claims ]; then cat results/$(STUDY)/claims.md; else ls figures/$(STUDY)/*.pdf; fi

study: $(READY)  ## every table, figure and claim; stop it at any time, it goes on where it was
	$(SNAKEMAKE) --keep-going -- study

tune: $(READY)  ## choose learning rates and the reading of Eq. 7 on validation queries; STUDY=laptop
	$(SNAKEMAKE) -- tune
	@cat results/$(STUDY)/tuning/*.md

report: $(READY)  ## every table and figure, and a page on them and on what was run, whatever failed
	@$(SNAKEMAKE) --keep-going -- tables figures; \
	  made=$$?; sirbench report --study $(STUDY) || exit; \
	  echo "Open results/$(STUDY)/report.html"; exit $$made
	snakemake --report results/$(STUDY)/workflow-report.html tables figures --config study=$(STUDY)

test: $(READY)  ## run every test, as many at a time as there are cores
	python -m pytest --numprocesses $(CORES) --dist loadfile

quick: $(READY)  ## run the tests of pure code, a minute and a half
	python -m pytest --numprocesses $(CORES) --quick

faults: $(READY)  ## kill, cut and flip for MINUTES=10, and write the table of docs/faults.md
	python -m tests.faults --minutes $(MINUTES)

lint: $(READY)  ## check style and types of Python and workflow
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	snakemake --lint
	mypy

format: $(READY)  ## bring everything into that style
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

bench: $(READY)  ## measure speed and memory as ratios against peers
	pip install --quiet --disable-pip-version-check --no-deps $$(python -m benchmarks --requirements)
	python -m benchmarks

bench-gpu:  ## measure on a GPU, with the torch and transformers that are there: nothing is installed
	$(PYTHON) -m benchmarks gpu

lock: pyproject.toml  ## pin anew what the dependencies of pyproject.toml pull in
	$(PYTHON) -m venv .lock
	.lock/bin/pip install --quiet '.[test]'
	.lock/bin/pip freeze --exclude sirbench | sed 's/+cpu$$//' > requirements.lock
	rm -r .lock

clean:  ## remove .venv and caches; results/ and data/ stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -r {} +
