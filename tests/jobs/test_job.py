"""Which training jobs recipes come to, which they share, and what makes a job another job."""

from dataclasses import replace

import pytest

from sirbench.config import load
from sirbench.jobs.job import compressors, job_of, level_named, made_as, training_of
from sirbench.machine.errors import InputError
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
    return [*compressors(recipe, config.study), job_of(recipe, config.study)]


@pytest.mark.parametrize("name", ["v0", "v3-top-16", "v4-random-8", "lce-8"])
def test_v0_v3_v4_are_one_job_from_the_backbone_with_blocks_drawn_per_epoch(paper, name):
    (job,) = jobs(paper, name)
    assert job.needs == []
    assert job.strategy.blocks == "redrawn"
    assert job.level == 0


def test_v0_draws_its_group_at_random(paper):
    (job,) = jobs(paper, "v0")
    assert (job.strategy.strategy, job.strategy.levels, job.strategy.loss) == ("v0", [2], "softmax-binary")


def test_v1_top_trains_every_level_from_the_backbone_on_the_hardest_of_the_level_before(paper):
    first, second, third = jobs(paper, "v1-top-16")
    assert [job.strategy.levels for job in (first, second, third)] == [[88], [48], [16]]
    assert [job.weights_from for job in (first, second, third)] == [None, None, None]
    assert [job.negatives_from for job in (first, second, third)] == [None, first, second]
    assert all(job.strategy.blocks == "fixed" for job in (first, second, third))


def test_v2_top_also_starts_at_the_weights_of_the_level_before(paper):
    first, second, third = jobs(paper, "v2-top-16")
    assert [job.weights_from for job in (first, second, third)] == [None, first, second]
    assert [job.negatives_from for job in (first, second, third)] == [None, first, second]


def test_v2_random_draws_from_the_fixed_block_at_every_level(paper):
    first, second, third = jobs(paper, "v2-random-16")
    assert [job.strategy.levels for job in (first, second, third)] == [[88], [88, 48], [88, 16]]
    assert [job.weights_from for job in (first, second, third)] == [None, first, second]
    assert [job.negatives_from for job in (first, second, third)] == [None, None, None]


@pytest.mark.parametrize("strategy", ["v1", "v2"])
def test_redrawn_blocks_are_selected_from_by_every_level_before(paper, strategy):
    """With fixed blocks, the run of the last one has all that the others passed on."""
    first, second, third = jobs(paper, f"{strategy}-top-16-redrawn")
    assert [job.strategy.levels for job in (first, second, third)] == [[88], [48], [16]]
    assert all(job.strategy.blocks == "redrawn" for job in (first, second, third))
    assert [job.selected_by for job in (first, second, third)] == [[], [first], [first, second]]
    assert third.needs == {"v1": [first, second], "v2": [second, first]}[strategy]
    first, second, third = jobs(paper, f"{strategy}-top-16")
    assert [job.selected_by for job in (first, second, third)] == [[], [first], [second]]
    assert third.needs == [second]


def test_redrawn_blocks_are_other_jobs_at_every_level_and_share_level_1(paper):
    redrawn = [job.name for name in ("v1", "v2") for job in jobs(paper, f"{name}-top-16-redrawn")]
    fixed = [job.name for name in ("v1", "v2") for job in jobs(paper, f"{name}-top-16")]
    assert not set(redrawn) & set(fixed)
    assert redrawn[0] == redrawn[3] and len(set(redrawn)) == len(set(fixed)) == 5


def test_random_levels_of_a_redrawn_chain_draw_from_the_epochs_block(paper):
    recipe = paper.recipes["v2-random-16"].model_copy(update={"blocks": "redrawn"})
    chain = [*compressors(recipe, paper.study), job_of(recipe, paper.study)]
    assert [job.strategy.levels for job in chain] == [[88], [88, 48], [88, 16]]
    assert all(job.strategy.blocks == "redrawn" and job.selected_by == [] for job in chain)


def test_v1_random_needs_no_compressor(paper):
    (job,) = jobs(paper, "v1-random-16")
    assert job.strategy.levels == [88, 16]
    assert job.level == 3


def test_level_1_is_shared_by_v1_and_v2_and_both_selections(paper):
    names = {name: jobs(paper, name)[0].name for name in ("v1-top-16", "v2-top-16", "v2-random-16")}
    assert len(set(names.values())) == 1


def test_table_3_trains_four_compressors_in_all(paper):
    recipes = {row.recipe for row in paper.tables["table3"].rows}
    names = {job.name for recipe in recipes for job in compressors(paper.recipes[recipe], paper.study)}
    assert len(names) == 4  # level 1, and level 2 of v1-top, v2-top and v2-random


def test_sizes_are_scaled_by_the_study(demo):
    assert jobs(demo, "v4-top-8")[0].strategy.levels == [22, 12, 4, 2]


def test_epochs_per_level(paper):
    recipe = paper.recipes["v1-top-16"].model_copy(update={"epochs": [1, 2, 3]})
    assert [job.epochs for job in [*compressors(recipe, paper.study), job_of(recipe, paper.study)]] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    "change",
    [{"loss": "hinge"}, {"epochs": [7]}, {"selection": "random"}, {"forward": "shared"}, {"cpr": "literal"}],
)
def test_a_changed_setting_is_another_job_with_another_name(paper, change):
    recipe = paper.recipes["v4-top-16"]
    changed = recipe.model_copy(update=change)
    assert job_of(changed, paper.study).name != job_of(recipe, paper.study).name


def test_a_description_is_no_setting(paper):
    recipe = paper.recipes["v4-top-16"]
    assert job_of(recipe.model_copy(update={"description": "x"}), paper.study) == job_of(recipe, paper.study)


def test_levels_are_found_by_name(paper):
    job = compressors(paper.recipes["v2-top-16"], paper.study)[1]
    assert level_named(job.name, paper) == job
    with pytest.raises(InputError, match="level9-1-00000000"):
        level_named("level9-1-00000000", paper)


def test_a_job_of_an_own_loss_is_another_job_once_its_file_has_changed(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plugins/losses/hinge.py"  # in place of the package's
    path.parent.mkdir(parents=True)
    recipe = demo.recipes["v1-top-16"].model_copy(update={"loss": "hinge"})
    names = [compressors(recipe, demo.study)[0].name]
    packaged = (ROOT / "sirbench/strategies/losses/hinge.py").read_text()
    for comment in ("first", "second"):
        path.write_text(f"{packaged}# {comment}\n")
        names.append(compressors(recipe, demo.study)[0].name)
    assert len(set(names)) == 3


def with_rates(config, **rates):
    """The study with learning rates of families."""
    return replace(config, study=config.study.model_copy(update={"learning_rates": rates}))


def test_names_stay_the_same_where_no_learning_rate_is_set(paper):
    """As they were before there were any: what was trained then is not trained again."""
    names = [job.name for job in jobs(paper, "v1-top-16")]
    assert names == ["level1-88-5ac89bc2", "level2-48-9dddfc51", "level3-16-ba52a4c4"]
    assert "learning_rate" not in job_of(paper.recipes["v0"], paper.study).model_dump_json()


def test_a_familys_learning_rate_is_that_of_its_jobs_alone(paper):
    changed = with_rates(paper, v1=1e-4, v0=2e-5)
    rates = {
        name: {training_of(job, changed.study).learning_rate for job in jobs(changed, name)} for name in RATES
    }
    assert rates == {name: {rate} for name, rate in RATES.items()}
    assert jobs(changed, "v3-top-16") == jobs(paper, "v3-top-16")
    for name in ("v0", "lce-8", "v1-top-16"):
        for before, after in zip(jobs(paper, name), jobs(changed, name), strict=True):
            assert before.name != after.name
            assert made_as(before, paper.study) != made_as(after, changed.study)


RATES = {
    "v0": 2e-5,
    "lce-8": 2e-5,
    "v1-top-16": 1e-4,
    "v1-random-16": 1e-4,
    "v2-top-16": 5e-5,
    "v4-top-16": 5e-5,
}
"""What the study of these tests comes to: 5e-5, but 2e-5 for V0, to which LCE belongs, and 1e-4 for V1."""


def test_levels_are_shared_only_where_learning_rates_agree(paper):
    def shared(config):
        return jobs(config, "v1-top-16")[0].name == jobs(config, "v2-top-16")[0].name

    assert shared(paper)
    assert not shared(with_rates(paper, v1=1e-4))
    assert shared(with_rates(paper, v1=1e-4, v2=1e-4))


def test_a_learning_rate_that_is_the_studys_anyway_makes_no_other_job(paper):
    said = with_rates(paper, v1=5e-5)
    assert jobs(said, "v1-top-16") == jobs(paper, "v1-top-16")
    recipe = paper.recipes["v3-top-16"]
    assert job_of(recipe.model_copy(update={"learning_rate": 5e-5}), paper.study) == job_of(
        recipe, paper.study
    )


def test_a_recipes_own_learning_rate_is_before_its_familys(paper):
    changed = with_rates(paper, v3=1e-4)
    recipe = paper.recipes["v3-top-16"].model_copy(update={"learning_rate": 3e-5})
    assert job_of(recipe, changed.study).learning_rate == 3e-5
    settings = made_as(job_of(recipe, changed.study), changed.study)
    assert settings["training"]["learning_rate"] == 3e-5
    # Set back to the study's own, where its family has another one.
    back = recipe.model_copy(update={"learning_rate": 5e-5})
    assert job_of(back, changed.study) == job_of(
        recipe.model_copy(update={"learning_rate": None}), paper.study
    )


def test_every_recipe_is_of_one_family(paper):
    families = {name: recipe.family for name, recipe in paper.recipes.items()}
    assert set(families.values()) == {"none", "v0", "v1", "v2", "v3", "v4"}
    assert {name for name, family in families.items() if family == "v0"} >= {
        "v0",
        "lce-8",
        "v0-hinge",
        "v0-88",
    }
