"""A plug-in is one file: a toy of each kind, in plugins/ of a working folder, runs through the workflow.

The toys are the files of tests/plugins/.
"""

import json
import shutil

import pandas as pd
import pytest
import yaml

from sirbench.config import load
from sirbench.data.runs import read_run
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.cost import recipe_pairs
from sirbench.jobs.folders import Cell
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.steps.cost import describe_cost
from sirbench.steps.schema import schemas
from sirbench.strategies import Pairs
from tests.checkouts import ROOT, copy_checkout, snakemake

FILES = {
    "studies/toys.yaml": {
        "title": "toys",
        "demonstration": True,
        "collection": {
            "train": "pydocs-sliver/train",
            "dev": "pydocs-sliver/dev",
            "train_queries": 8,
            "dev_queries": 6,
        },
        "candidates": {
            "shortest": {"first_stage": "shortest", "options": {"at_least": 12}},
            "learned": {
                "first_stage": "dense",
                "backbone": "bert",
                "options": {"negatives": {"name": "first-documents", "count": 3}},
                "training": {"steps": 2, "batch": 4},
            },
        },
        "reranked": ["shortest"],
        "depth": 12,
        "backbones": {
            "bert": {"source": "tiny", "layers": 1, "hidden": 16, "heads": 2, "vocabulary": 500},
            "mine": {
                "source": "pretrained",
                "start": "bert",
                "objectives": {"own-passage": 1},
                "options": {"own-passage": {"others": 2}},
                "corpus": {"source": "collection"},
                "batch": 4,
                "steps": 2,
            },
        },
        "group_sizes": {88: 6, 48: 4, 16: 3, 8: 2},
        "input": {"max_tokens": 32, "max_query_tokens": 12},
        "compute": {"gpus": 0, "chunk_tokens": 1024},
    },
    "recipes/lowest.yaml": {
        "strategy": "lowest",
        "levels": [88],
        "kept": 2,
        "loss": {"name": "far-away", "distance": 20},
    },
    "tables/mine.yaml": {
        "title": "mine",
        "caption": "mine",
        "measures": ["RR@10"],
        "baseline": "lowest",
        "rows": [{"label": "Lowest", "backbone": "mine", "recipe": "lowest"}],
    },
    "figures/mine-drawn.yaml": {
        "kind": "query-by-query",
        "title": "mine",
        "caption": "mine",
        "table": "mine",
        "measures": ["RR@10"],
        "color": "C3",
    },
}
"""What config/ says of the toys, each with an option of its own."""

PATHS = Layout("toys")
CELL = Cell("toys", "shortest", "mine", "lowest", 1)


def add_toys(folder):
    """Put the toys, and what config/ says of them, into a working folder."""
    shutil.copytree(ROOT / "tests/plugins", folder / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in FILES.items():
        (folder / "config" / name).write_text(yaml.safe_dump(content))


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """A working folder with config/ and plugins/, which the test is in."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    add_toys(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory, pydocs_sliver):
    """A checkout in which Snakemake has made the figure, and what a first stage has learned."""
    folder = copy_checkout(tmp_path_factory.mktemp("plugins") / "checkout", pydocs_sliver.parent)
    add_toys(folder)
    done = snakemake(folder, "mine-drawn", str(PATHS.learned("learned").provenance), study="toys")
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def test_a_study_of_toys_fits_together_and_has_a_cost(toys, pydocs_sliver):
    config = load("toys")
    assert recipe_pairs(config, "lowest", 8) == Pairs(8 * 2 * 3, 8 * 2 * 6)  # two epochs
    assert "lowest" in describe_cost(config)


def test_the_schemas_know_the_toys_of_the_folder(toys):
    recipe, figure, study = (json.dumps(schemas()[f"{name}.json"]) for name in ("recipe", "figure", "study"))
    assert '"lowest"' in recipe and '"far-away"' in recipe and "How many negatives are trained on." in recipe
    assert '"query-by-query"' in figure
    assert '"shortest"' in study and '"own-passage"' in study


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("recipes/lowest.yaml", {"keeps": 2}, "keeps: unknown key; did you mean 'kept'?"),
        ("recipes/lowest.yaml", {"kept": 0}, "kept: Input should be greater than or equal to 1"),
        (
            "recipes/lowest.yaml",
            {"loss": {"name": "far-away", "distanz": 1}},
            "loss: distanz: far-away has no such option; did you mean 'distance'? allowed: distance",
        ),
        ("figures/mine-drawn.yaml", {"colour": "C1"}, "colour: unknown key; did you mean 'color'?"),
    ],
    ids=str,
)
def test_a_mistake_in_an_option_of_a_toy_is_named(file, change, message, toys):
    (toys / "config" / file).write_text(yaml.safe_dump(FILES[file] | change))
    with pytest.raises(InputError) as caught:
        load("toys")
    assert str(caught.value).startswith(f"config/{file}: {message}")


def test_a_toy_that_is_broken_is_named_with_the_file_that_asks_for_it(toys):
    (toys / "plugins/strategies/lowest.py").write_text("import no_such_package\n")
    with pytest.raises(InputError) as caught:
        load("toys")
    assert str(caught.value) == (
        "config/recipes/lowest.yaml: strategy: plugins/strategies/lowest.py: cannot be imported: "
        "ModuleNotFoundError: No module named 'no_such_package'"
    )


@pytest.mark.workflow
def test_the_first_stage_has_retrieved(finished):
    run = read_run(finished / PATHS.candidates("shortest", "dev"))
    assert run["score"].max() <= -12  # `at_least: 12`; there are documents with 10 words
    assert run.groupby("query_id")["doc_id"].agg(list).map(tuple).nunique() == 1


@pytest.mark.workflow
def test_the_policy_has_given_negatives(finished):
    learned = PATHS.learned("learned")
    made_from = json.loads((finished / learned.provenance).read_text())
    asked = made_from["first_stage"]["options"]["negatives"]
    assert asked == {"name": "first-documents", "count": 3}
    assert (finished / learned.model / "model.safetensors").exists()


@pytest.mark.workflow
def test_the_objective_has_pre_trained(finished):
    record = PATHS.pretraining("mine")
    made_from = json.loads((finished / record.provenance).read_text())
    assert made_from["pretraining"]["objectives"] == {"own-passage": 1}
    first = json.loads((finished / record.step_log).read_text().splitlines()[0])
    # A new head scores three passages nearly alike.
    assert first["loss"] == pytest.approx(1.0986, abs=0.05)


@pytest.mark.workflow
def test_the_strategy_has_selected_and_the_loss_was_minimised(finished):
    made_from = json.loads((finished / CELL.provenance).read_text())
    assert (made_from["job"]["strategy"]["strategy"], made_from["job"]["strategy"]["kept"]) == ("lowest", 2)
    kept = pd.read_parquet(finished / CELL.selection)
    assert set(kept["ranks"].map(len)[kept["level"] == 1]) == {5}
    assert set(kept["ranks"].map(len)[kept["level"] == 2]) == {2}
    losses = [json.loads(line)["loss"] for line in (finished / CELL.step_log).read_text().splitlines()]
    assert all(loss == pytest.approx(20.69, abs=0.1) for loss in losses)  # `distance: 20`, and log 2


@pytest.mark.workflow
def test_the_kind_has_drawn(finished):
    drawn = pd.read_csv(finished / PATHS.figure("mine-drawn", "csv"))
    measured = read_per_query(finished / CELL.per_query)
    assert len(drawn) == 6
    assert list(drawn["query_id"]) == list(measured.index)
    assert list(drawn["RR@10"]) == list(measured["RR@10"])
    assert (finished / PATHS.figure("mine-drawn", "svg")).exists()


@pytest.mark.workflow
def test_a_toy_that_draws_draws_again_once_it_is_edited(finished):
    with (finished / "plugins/figures/query_by_query.py").open("a") as file:
        file.write("# edited\n")
    done = snakemake(finished, "--dry-run", "mine-drawn", study="toys")
    assert "write_figure" in done.stdout and "rule train" not in done.stdout
