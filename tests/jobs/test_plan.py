"""Which training jobs recipes come to, which they share, and what makes a job another job."""

from dataclasses import replace

import pytest

from sirbench.config import load
from sirbench.jobs.plan import (
    candidates_measures,
    cells,
    compressors,
    corpora,
    corpus_name,
    embedded_cells,
    level_named,
    measured_candidates,
    measures,
    plan,
    pretrained,
    pretraining_settings,
    shown_candidates,
    shown_rows,
    shows_something,
    space_cells,
)
from sirbench.machine.errors import InputError
from sirbench.study import Figure, Space
from tests.checkouts import ROOT, with_bm25_alone


@pytest.fixture(scope="module")
def paper():
    return load("paper", ROOT / "config")


@pytest.fixture(scope="module")
def demo():
    return with_bm25_alone(load("demo", ROOT / "config"))


def jobs(config, name):
    """The jobs of a recipe, compressors first."""
    recipe = config.recipes[name]
    return [*compressors(recipe, config.study), plan(recipe, config.study)]


@pytest.mark.parametrize("name", ["v0", "v3-top-16", "v4-random-8", "lce-8"])
def test_v0_v3_v4_are_one_job_from_the_backbone_with_blocks_drawn_per_epoch(paper, name):
    (job,) = jobs(paper, name)
    assert job.needs == []
    assert not job.fixed_blocks
    assert job.level == 0


def test_v0_draws_its_group_at_random(paper):
    (job,) = jobs(paper, "v0")
    assert (job.step, job.sizes, job.loss) == ("single", (2,), "softmax-binary")


def test_v1_top_trains_every_level_from_the_backbone_on_the_hardest_of_the_level_before(paper):
    first, second, third = jobs(paper, "v1-top-16")
    assert [job.sizes for job in (first, second, third)] == [(88,), (48,), (16,)]
    assert [job.weights_from for job in (first, second, third)] == [None, None, None]
    assert [job.negatives_from for job in (first, second, third)] == [None, first, second]
    assert all(job.fixed_blocks for job in (first, second, third))


def test_v2_top_also_starts_at_the_weights_of_the_level_before(paper):
    first, second, third = jobs(paper, "v2-top-16")
    assert [job.weights_from for job in (first, second, third)] == [None, first, second]
    assert [job.negatives_from for job in (first, second, third)] == [None, first, second]


def test_v2_random_draws_from_the_fixed_block_at_every_level(paper):
    first, second, third = jobs(paper, "v2-random-16")
    assert [job.sizes for job in (first, second, third)] == [(88,), (88, 48), (88, 16)]
    assert [job.weights_from for job in (first, second, third)] == [None, first, second]
    assert [job.negatives_from for job in (first, second, third)] == [None, None, None]


def test_v1_random_needs_no_compressor(paper):
    (job,) = jobs(paper, "v1-random-16")
    assert job.sizes == (88, 16)
    assert job.level == 3


def test_level_1_is_shared_by_v1_and_v2_and_both_selections(paper):
    names = {name: jobs(paper, name)[0].name for name in ("v1-top-16", "v2-top-16", "v2-random-16")}
    assert len(set(names.values())) == 1


def test_table_3_trains_four_compressors_in_all(paper):
    recipes = {row.recipe for row in paper.tables["table3"].rows}
    names = {job.name for recipe in recipes for job in compressors(paper.recipes[recipe], paper.study)}
    assert len(names) == 4  # level 1, and level 2 of v1-top, v2-top and v2-random


def test_sizes_are_scaled_by_the_study(demo):
    assert jobs(demo, "v4-top-8")[0].sizes == (22, 12, 4, 2)


def test_epochs_per_level(paper):
    recipe = paper.recipes["v1-top-16"].model_copy(update={"epochs": [1, 2, 3]})
    assert [job.epochs for job in [*compressors(recipe, paper.study), plan(recipe, paper.study)]] == [1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [{"loss": "hinge"}, {"epochs": [7]}, {"selection": "random"}, {"forward": "shared"}, {"cpr": "literal"}],
)
def test_a_changed_setting_is_another_job_with_another_name(paper, change):
    recipe = paper.recipes["v4-top-16"]
    changed = recipe.model_copy(update=change)
    assert plan(changed, paper.study).name != plan(recipe, paper.study).name


def test_a_description_is_no_setting(paper):
    recipe = paper.recipes["v4-top-16"]
    assert plan(recipe.model_copy(update={"description": "x"}), paper.study) == plan(recipe, paper.study)


def test_levels_are_found_by_name(paper):
    job = compressors(paper.recipes["v2-top-16"], paper.study)[1]
    assert level_named(job.name, paper) == job
    with pytest.raises(InputError, match="level9-1-00000000"):
        level_named("level9-1-00000000", paper)


def test_cells_of_a_table_include_the_baseline_of_every_backbone_once(demo):
    table = demo.tables["table1"].model_copy(update={"rows": demo.tables["table1"].rows[3:]})
    assert cells(demo, table) == [
        ("bm25", backbone, recipe) for backbone in ("wlp", "ict", "prop") for recipe in ("v0", "v4-top-16")
    ]


def test_candidates_that_are_not_re_ranked_have_no_cells(paper):
    study = paper.study.model_copy(update={"reranked": ["ance"]})
    config = replace(paper, study=study)
    assert {cell[0] for cell in cells(config, config.tables["table3"])} == {"ance"}
    assert space_cells(config, space())[0][0] == "ance"


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
    figures = [Figure(kind="space", title="", caption="", space=space) for space in spaces]
    return replace(config, figures=dict(enumerate(figures)))


def test_a_space_shows_a_cell_per_recipe_of_the_first_candidates_and_seed(paper):
    assert space_cells(paper, space()) == [
        ("hdct", "bert", "v1-top-16", 1),
        ("hdct", "bert", "v4-top-16", 1),
    ]
    assert space_cells(paper, space(candidates="ance", seed=3))[1] == ("ance", "bert", "v4-top-16", 3)


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
        ("bm25", "bert", "v1-top-16", 1): {"train": 2, "dev": 3},
        ("bm25", "bert", "v4-top-16", 1): {"train": 5, "dev": 3},
        ("bm25", "bert", "v3-top-16", 1): {"train": 5, "dev": 0},
    }


def test_backbones_of_one_corpus_and_tokenizer_share_its_store(paper):
    assert list(pretrained(paper.study)) == ["wlp", "ict"]
    (name,) = corpora(paper.study)
    assert name == corpus_name(paper.study, "wlp") == corpus_name(paper.study, "ict")
    assert name.startswith("wikipedia-bert-")
    assert corpora(paper.study)[name] == ("bert", paper.study.backbones["ict"].corpus)


def test_a_chain_of_pre_trainings_has_the_tokenizer_of_its_first(paper):
    backbones = paper.study.backbones
    chain = {**backbones, "prop": backbones["ict"].model_copy(update={"start": "ict"})}
    study = paper.study.model_copy(update={"backbones": chain})
    assert corpus_name(study, "prop") == corpus_name(study, "ict")
    other = backbones["ict"].model_copy(update={"start": "electra"})
    study = paper.study.model_copy(update={"backbones": {**backbones, "other": other}})
    assert corpus_name(study, "other").startswith("wikipedia-electra-")


def test_what_makes_a_pre_training_another_one(paper):
    """Other objectives or lengths do; how often checkpoints are written, or how lengths were said, do not."""
    backbones = paper.study.backbones

    def settings(**changes):
        spec = backbones["ict"].model_copy(update=changes)
        study = paper.study.model_copy(update={"backbones": {**backbones, "ict": spec}})
        return pretraining_settings(study, "ict")

    seldom = backbones["ict"].training.model_copy(update={"checkpoint_every": 9999})
    assert settings() == settings(training=seldom) == settings(max_tokens=512)
    assert settings()["input"] == {"max_tokens": 512, "max_query_tokens": 64}
    others = {"objectives": {"ict": 1.0}, "max_tokens": 128, "steps": 7, "options": {"ict": {}}}
    for change in ({key: value} for key, value in others.items()):
        assert settings(**change) != settings()
