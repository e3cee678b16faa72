"""What tables and figures need of a study: cells, candidates, measures, and cells to embed."""

from dataclasses import replace

import pytest

from sirbench.config import load
from sirbench.jobs.folders import Cell
from sirbench.jobs.needs import (
    candidates_measures,
    cells,
    conditions,
    embedded_cells,
    measured_candidates,
    measures,
    shown_candidates,
    shown_rows,
    shows_something,
    space_cells,
)
from sirbench.reporting.figures import KINDS
from sirbench.study import Space
from sirbench.study.checks import shown_recipes
from tests.checkouts import ROOT, with_bm25_alone


@pytest.fixture(scope="module")
def paper():
    return load("paper", ROOT / "config")


@pytest.fixture(scope="module")
def demo():
    return with_bm25_alone(load("demo", ROOT / "config"))


def test_cells_of_a_table_include_the_baseline_of_every_backbone_once(demo):
    table = demo.tables["table1"].model_copy(update={"rows": demo.tables["table1"].rows[3:]})
    shown = [(one.candidates, one.backbone, one.recipe) for one in conditions(demo, table)]
    assert shown == [
        ("bm25", backbone, recipe) for backbone in ("wlp", "ict", "prop") for recipe in ("v0", "v4-top-16")
    ]


def test_a_row_with_a_baseline_of_its_own_needs_that_one(demo):
    row = demo.tables["table1"].rows[3].model_copy(update={"baseline": "v3-top-16"})
    table = demo.tables["table1"].model_copy(update={"rows": [row]})
    assert [one.recipe for one in conditions(demo, table)] == ["v3-top-16", "v4-top-16"]
    assert shown_recipes({"mine": table}, {}, {}) == ["v3-top-16", "v4-top-16"]


def test_a_table_needs_its_cells_in_all_seeds(paper):
    table, seeds = paper.tables["table3"], paper.study.seeds
    assert len(seeds) == 3
    assert cells(paper, table) == [one.cell(seed) for one in conditions(paper, table) for seed in seeds]
    assert len(cells(paper, table)) == 14 * 2 * 3


def test_candidates_that_are_not_re_ranked_have_no_cells(paper):
    study = paper.study.model_copy(update={"reranked": ["ance"]})
    config = replace(paper, study=study)
    assert {cell.candidates for cell in cells(config, config.tables["table3"])} == {"ance"}
    assert space_cells(config, space())[0].candidates == "ance"


def test_rows_without_their_backbone_are_left_out_by_label():
    config = load("scifact", ROOT / "config")
    shown, left_out = shown_rows(config, config.tables["table2"])
    assert {row.backbone for row in shown} == {"bert"}
    assert left_out == ["ELECTRA", "ELECTRA + V1", "ELECTRA + V2", "ELECTRA + V3", "ELECTRA + V4"]


def test_a_cell_is_measured_by_all_that_any_table_shows(demo):
    assert measures(demo) == ["RR@100", "RR@10", "AP@20", "nDCG@20"]


def test_candidates_are_also_measured_by_what_tables_of_candidates_show(demo):
    assert candidates_measures(demo) == ["RR@100", "RR@10", "AP@20", "nDCG@20", "R@100", "nDCG@10"]


def test_a_table_of_candidates_needs_no_cell(paper):
    table = paper.tables["firststage"]
    assert cells(paper, table) == []
    assert shows_something(paper, table)
    assert measured_candidates(paper, table) == ["hdct", "ance"]


def test_a_table_of_some_candidates_needs_those_it_tests_against_too(demo):
    table = demo.tables["firststage"].model_copy(update={"candidates": ["other"]})
    assert shown_candidates(demo, table) == []
    assert not shows_something(demo, table)
    assert measured_candidates(demo, table) == ["bm25"]


def test_a_study_without_its_backbones_shows_nothing_of_a_table(paper):
    backbones = {"bert": paper.study.backbones["bert"]}
    config = replace(paper, study=paper.study.model_copy(update={"backbones": backbones}))
    assert not shows_something(config, config.tables["table1"])
    assert shows_something(config, config.tables["table2"])


def test_candidates_that_are_not_reranked_are_first_stages_all_the_same(paper):
    config = replace(paper, study=paper.study.model_copy(update={"reranked": ["ance"]}))
    assert shown_candidates(config, paper.tables["table3"]) == ["ance"]
    assert shown_candidates(config, paper.tables["firststage"]) == ["hdct", "ance"]


def space(**settings):
    return Space(**{"backbone": "bert", "recipes": ["v1-top-16", "v4-top-16"]} | settings)


def with_spaces(config, *spaces):
    figures = [KINDS.find("space")(title="", caption="", space=space) for space in spaces]
    return replace(config, figures=dict(enumerate(figures)))


def test_a_space_shows_a_cell_per_recipe_of_the_first_candidates_and_seed(paper):
    assert space_cells(paper, space()) == [
        Cell("paper", "hdct", "bert", "v1-top-16", 1),
        Cell("paper", "hdct", "bert", "v4-top-16", 1),
    ]
    assert space_cells(paper, space(candidates="ance", seed=3))[1] == Cell(
        "paper", "ance", "bert", "v4-top-16", 3
    )


@pytest.mark.parametrize("missing", [{"candidates": "other"}, {"seed": 9}, {"backbone": "other"}])
def test_a_study_without_what_a_space_asks_for_shows_no_cell(demo, missing):
    assert space_cells(demo, space(**missing)) == []


def test_a_cell_is_embedded_once_for_all_figures(demo):
    config = with_spaces(
        demo,
        space(train_queries=2, dev_queries=3),
        space(recipes=["v4-top-16", "v3-top-16"], train_queries=5, dev_queries=0),
        space(recipes=["v0"], seed=9),
    )
    assert embedded_cells(config) == {
        Cell("demo", "bm25", "bert", "v1-top-16", 1): {"train": 2, "dev": 3},
        Cell("demo", "bm25", "bert", "v4-top-16", 1): {"train": 5, "dev": 3},
        Cell("demo", "bm25", "bert", "v3-top-16", 1): {"train": 5, "dev": 0},
    }
