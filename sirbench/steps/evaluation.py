"""Step `evaluate`: per-query measures of a cell, or of the candidates themselves."""

import shutil
from pathlib import Path

from sirbench.config import Configuration
from sirbench.data import collections
from sirbench.data.runs import read_run
from sirbench.evaluation.measures import per_query, write_per_query
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout


def evaluate_cell(config: Configuration, candidates: str, backbone: str, recipe: str, seed: int) -> None:
    """Measure a cell's run into its `per_query.csv`; with that it is finished, and its checkpoint goes."""
    folder = Layout(config.name).cell(candidates, backbone, recipe, seed)
    _evaluate(config, folder / "run.trec.gz", folder / "per_query.csv", plan.measures(config))
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)


def evaluate_candidates(config: Configuration, candidates: str) -> None:
    """Measure the dev candidates as they are; re-ranking changes no recall at their depth."""
    layout = Layout(config.name)
    measures = plan.candidates_measures(config)
    _evaluate(config, layout.candidates(candidates, "dev"), layout.first_stage(candidates), measures)


def _evaluate(config: Configuration, run: Path, output: Path, measures: list[str]) -> None:
    layout = Layout(config.name)
    queries = list(collections.load_queries(layout.queries("dev")))
    qrels = collections.load_qrels(layout.qrels("dev"))
    write_per_query(per_query(read_run(run), qrels, queries, measures), output)
