"""Verb `tune`: what is chosen, what it says of it, and that no dev query has a part in it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sirbench.config import load
from sirbench.evaluation.measures import write_per_query
from sirbench.jobs import tuning
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.tuning import tune
from tests.checkouts import ROOT

QUERIES = [f"q{number}" for number in range(30)]
BEST = {"v0": "0.0002", "v1": "2e-05", "v2": "5e-05", "v3": "0.0001", "v4": "0.0001"}
"""The rate of each family at which the cells below are best."""


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Study `test` with three seeds, each tuned with, and what its cells left on validation queries."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return with_seeds(load("test"), None)


def with_seeds(config, number):
    tunings = {name: it.model_copy(update={"seeds": number}) for name, it in config.tunings.items()}
    return replace(config, study=config.study.model_copy(update={"seeds": [1, 2, 3]}), tunings=tunings)


def measure(config, name, means, diverged=()):
    """Write what every cell of a tuning left: values around its option's mean; some seeds diverged."""
    labels = {
        recipe: (it.name, label)
        for it in tuning.choices(config, name)
        for label, recipe in it.options.items()
    }
    for cell in tuning.cells(config, name):
        mean = means[labels[cell.recipe]]
        cell.folder.mkdir(parents=True)
        gone = (cell.recipe, cell.seed) in diverged
        cell.provenance.write_text(json.dumps({"diverged": "step 3: the loss is NaN"} if gone else {}))
        if not gone:
            values = np.random.default_rng([cell.seed, int(1e4 * mean)]).normal(mean, 0.05, len(QUERIES))
            index = pd.Index(QUERIES, name="query_id")
            write_per_query(
                pd.DataFrame({"RR@100": values.clip(0, 1)}, index=index), cell.validation_per_query
            )


def grid_means(config):
    return {
        (choice.name, label): 0.6 if label == BEST[choice.name] else 0.4
        for choice in tuning.choices(config, "learning-rate")
        for label in choice.options
    }


def test_each_familys_best_rate_is_chosen_from_what_validation_queries_say(config):
    measure(config, "learning-rate", grid_means(config))
    tune(config, "learning-rate")
    record = json.loads(Layout("test").tuning("learning-rate", "json").read_text())
    assert {family: it["chosen"] for family, it in record["choices"].items()} == BEST
    assert (record["chosen_by"], record["validation_queries"], record["seeds"]) == ("RR@100", 30, [1, 2, 3])
    assert (record["candidates"], record["backbone"], record["demonstration"]) == ("bm25", "bert", True)
    of_v3 = record["choices"]["v3"]
    assert list(of_v3["values"]) == ["2e-05", "5e-05", "0.0001", "0.0002"]
    assert of_v3["values"]["0.0001"] == pytest.approx(0.6, abs=0.03)
    low, high = of_v3["interval"]
    assert low < of_v3["difference"] < high and 0.1 < of_v3["difference"] < 0.3
    assert of_v3["interval_is"] == "over queries and seeds"


def test_the_lines_have_every_option(config):
    measure(config, "learning-rate", grid_means(config))
    tune(config, "learning-rate")
    lines = pd.read_csv(Layout("test").tuning("learning-rate"), dtype={"option": str})
    assert len(lines) == 20 and lines["chosen"].sum() == 5
    assert (lines[["seeds", "queries"]] == [3, 30]).all().all()
    first = lines.iloc[0]
    cells = [it for it in tuning.cells(config, "learning-rate") if it.recipe == first["recipe"]]
    values = [
        pd.read_csv(cell.validation_per_query, index_col=0)["RR@100"].loc[QUERIES].mean() for cell in cells
    ]
    assert first["value"] == pytest.approx(np.mean(values))
    assert first["sd_seeds"] == pytest.approx(np.std(values, ddof=1))


def test_of_one_seed_the_lead_is_over_queries_alone(config):
    config = with_seeds(config, 1)
    measure(config, "learning-rate", grid_means(config))
    tune(config, "learning-rate")
    record = json.loads(Layout("test").tuning("learning-rate", "json").read_text())
    assert record["seeds"] == [1]
    assert {it["interval_is"] for it in record["choices"].values()} == {"over queries alone, of one seed"}
    assert (pd.read_csv(Layout("test").tuning("learning-rate"))["seeds"] == 1).all()


def test_what_is_printed_says_how_little_it_means(config):
    measure(config, "learning-rate", grid_means(config))
    tune(config, "learning-rate")
    text = Layout("test").tuning("learning-rate", "md").read_text()
    assert "DEMONSTRATION ONLY" in text
    assert "over 30 validation queries, on which nothing was trained" in text
    assert "also the luckiest" in text
    assert "v3: 0.0001, ahead of" in text
    for family, edge in (("v0", True), ("v1", True), ("v2", False), ("v3", False)):
        assert (f"{family}: the best is at the edge of the grid" in text) == edge


def test_one_of_the_recipes(config):
    labels = ["v4-top-16-literal", "v4-top-16-literal-from-2", "v4-top-16-product", "v4-top-16-geometric"]
    measure(config, "cpr", {("cpr", it): 0.3 + 0.1 * number for number, it in enumerate(labels)})
    tune(config, "cpr")
    record = json.loads(Layout("test").tuning("cpr", "json").read_text())["choices"]["cpr"]
    assert (record["chosen"], record["runner_up"]) == (labels[3], labels[2])
    assert "edge of the grid" not in Layout("test").tuning("cpr", "md").read_text()


def test_a_rate_that_diverged_in_one_seed_is_not_chosen(config):
    gone = ("v3-top-16-lr0.0001", 2)
    measure(config, "learning-rate", grid_means(config), diverged={gone})
    tune(config, "learning-rate")
    of_v3 = json.loads(Layout("test").tuning("learning-rate", "json").read_text())["choices"]["v3"]
    assert of_v3["chosen"] != "0.0001" and of_v3["diverged"] == {"0.0001": [2]}
    text = Layout("test").tuning("learning-rate", "md").read_text()
    assert "| 2 of 3 |" in text
    assert "2 of 3 seeds converged (seed 2: step 3: the loss is NaN)" in text.replace("\\", "")


def test_no_dev_query_is_read(config, monkeypatch):
    """Nothing but the cells' files of validation queries and their provenance is opened."""
    measure(config, "learning-rate", grid_means(config))
    opened = []
    import sirbench.steps.tuning as step

    monkeypatch.setattr(
        step, "read_per_query", lambda path, read=step.read_per_query: opened.append(path) or read(path)
    )
    tune(config, "learning-rate")
    assert {path.name for path in opened} == {"validation_per_query.csv"} and len(opened) == 60
    present = {path.name for path in Layout("test").root.rglob("[!.]*") if path.is_file()}
    results = {"learning-rate.csv", "learning-rate.md", "learning-rate.json"}
    assert present == results | {"validation_per_query.csv", "provenance.json"}


def test_a_study_without_validation_queries(config):
    collection = config.study.collection.model_copy(update={"validation_queries": None})
    without = replace(config, study=config.study.model_copy(update={"collection": collection}))
    message = (
        r"config/studies/test\.yaml: collection\.validation_queries: this key is missing, .*; add e\.g\."
    )
    with pytest.raises(InputError, match=message):
        tune(without, "cpr")


def test_cells_that_are_not_measured(config):
    with pytest.raises((InputError, FileNotFoundError)):
        tune(config, "cpr")
