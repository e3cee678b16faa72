"""Tunings: which cells a grid takes, what these are trained with, and which choices a study does not heed."""

import json
import shutil
from dataclasses import replace

import pytest
import yaml

from sirbench.config import load
from sirbench.jobs import tuning
from sirbench.jobs.job import compressors, job_of, job_of_cell, level_named, training_of
from sirbench.jobs.layout import Layout
from sirbench.strategies import STRATEGIES
from sirbench.study import Tuning
from tests.checkouts import ROOT

GRID = [2e-5, 5e-5, 1e-4, 2e-4]


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load("single-gpu", ROOT / "config")


def test_the_shipped_grid_is_the_same_for_every_family(config):
    choices = tuning.choices(config, "learning-rate")
    assert [choice.name for choice in choices] == [
        it for it in STRATEGIES.names() if STRATEGIES.find(it).trains
    ]
    for choice in choices:
        assert [float(label) for label in choice.options] == GRID


def test_a_study_may_have_a_grid_of_its_own(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    study = tmp_path / "config/studies/laptop.yaml"
    content = yaml.safe_load(study.read_text()) | {"learning_rate_grid": [1e-3, 3e-4]}
    study.write_text(yaml.safe_dump(content, sort_keys=False))
    config = load("laptop", tmp_path / "config")
    assert {tuple(it.options) for it in tuning.choices(config, "learning-rate")} == {("0.0003", "0.001")}
    (readings,) = tuning.choices(config, "cpr")
    assert len(readings.options) == 4


def test_a_cell_of_the_grid_is_the_recipe_at_its_rate(config):
    cells = tuning.cells(config, "learning-rate")
    assert len(cells) == len(set(cells)) == 5 * 4  # of one seed
    assert {cell.seed for cell in cells} == {config.study.seeds[0]}
    rates = {}
    for cell in cells:
        job, recipe = job_of_cell(config, cell), cell.recipe.partition("-lr")[0]
        rates.setdefault(recipe, []).append(training_of(job, config.study).learning_rate)
        plain = job_of(config.recipes[recipe], config.study)
        assert job.strategy == plain.strategy and job.epochs == plain.epochs
        for compressor in compressors(config.trained[cell.recipe], config.study):
            assert level_named(compressor.name, config) == compressor
            assert compressor.learning_rate == job.learning_rate
    assert set(rates) == {"v0", "v1-top-16", "v2-top-16", "v3-top-16", "v4-top-16"}
    assert all(of_recipe == GRID for of_recipe in rates.values())


def test_the_cell_at_the_studys_own_rate_is_trained_as_the_recipe_itself(config):
    """But in a folder of its own: what the study sets afterwards does not touch what was chosen from."""
    at_rate = config.study.training.model_copy(update={"learning_rate": 1e-4})
    study = config.study.model_copy(update={"training": at_rate, "learning_rates": {}})
    assert job_of(config.trained["v3-top-16-lr0.0001"], study) == job_of(config.recipes["v3-top-16"], study)


def test_recipes_are_compared_in_cells_of_their_own(config):
    (choice,) = tuning.choices(config, "cpr")
    recipes = ["v4-top-16-literal", "v4-top-16-literal-from-2", "v4-top-16-product", "v4-top-16-geometric"]
    assert (choice.name, choice.options) == ("cpr", {recipe: recipe for recipe in recipes})
    assert {cell.recipe for cell in tuning.cells(config, "cpr")} == set(recipes)


def test_rates_of_a_grid_are_in_rising_order():
    spec = Tuning(title="x", caption="x", recipes=["v0"], learning_rates=[1e-4, 2e-5], backbone="bert")
    assert [one.name for one in spec.graded] == ["v0-lr2e-05", "v0-lr0.0001"]


def test_a_study_without_the_backbone_or_the_candidates_leaves_a_tuning_out(config):
    assert tuning.applying(config) == ["cpr", "learning-rate"]
    for change in ({"backbone": "electra"}, {"candidates": "splade"}):
        changed = {name: spec.model_copy(update=change) for name, spec in config.tunings.items()}
        assert tuning.applying(replace(config, tunings=changed)) == []


def test_the_measure_of_a_tuning_is_measured(config):
    changed = {name: spec.model_copy(update={"measure": "P@7"}) for name, spec in config.tunings.items()}
    assert "P@7" in tuning.measures(replace(config, tunings=changed))


def write_choice(name, **chosen):
    path = Layout("single-gpu").tuning(name, "json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"choices": {family: {"chosen": rate} for family, rate in chosen.items()}}))


def test_a_rate_that_is_not_the_chosen_one_is_warned_of(config):
    at_rate = config.study.training.model_copy(update={"learning_rate": 1e-4})
    study = config.study.model_copy(update={"training": at_rate, "learning_rates": {}})
    config = replace(config, study=study)
    assert tuning.unheeded(config) == []
    write_choice("learning-rate", v0="0.0001", v3="5e-05", v4=None)
    write_choice("cpr", cpr="v4-top-16-product")
    (warning,) = tuning.unheeded(config)
    assert warning == (
        "config/studies/single-gpu.yaml: learning_rates.v3: 0.0001 is used, while "
        "results/single-gpu/tuning/learning-rate.json chose 5e-05"
    )
    heeding = config.study.model_copy(update={"learning_rates": {"v3": 5e-5}})
    assert tuning.unheeded(replace(config, study=heeding)) == []
