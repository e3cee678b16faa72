"""Every mistake in config/ is one message that names file, key and what is allowed, before any job starts."""

import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from sirbench.config import check_all, load, study_names
from sirbench.machine.errors import InputError
from sirbench.reporting.figures import KINDS
from sirbench.steps.schema import schemas, with_key_tables
from sirbench.strategies import STRATEGIES
from sirbench.study import Study, Table
from sirbench.study.schema import as_text
from tests.checkouts import ROOT

FOLDERS = {
    "studies": "study.json",
    "recipes": "recipe.json",
    "tables": "table.json",
    "figures": "figure.json",
    "claims": "claims.json",
    "tuning": "tuning.json",
}
"""The schema of the files of each folder of config/."""


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


def edit(path, **changes):
    """Set keys of a YAML file; a value of None removes one; `a__b` is key b inside a."""
    content = yaml.safe_load(path.read_text())
    for name, value in changes.items():
        *parents, last = name.split("__")
        place = content
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.mark.parametrize("study", study_names(ROOT / "config"))
def test_every_shipped_study_fits_every_recipe_and_table(study):
    assert load(study, ROOT / "config").name == study


MISTAKES = {
    "unknown key, with the key that was meant": (
        "studies/test.yaml",
        {"training__learning_rat": 1e-5},
        ["config/studies/test.yaml: training.learning_rat: unknown key", "did you mean 'learning_rate'?"],
    ),
    "unknown key of one kind of backbone": (
        "studies/test.yaml",
        {"backbones__bert__layer": 2},
        ["backbones.bert.layer: unknown key", "did you mean 'layers'?"],
    ),
    "missing key": (
        "studies/test.yaml",
        {"collection__dev": None},
        ["config/studies/test.yaml: collection.dev: this key is missing"],
    ),
    "a folder and a name": (
        "studies/test.yaml",
        {"collection": {"folder": "data/mine", "train": "pydocs/train"}},
        ["config/studies/test.yaml: collection.train: unknown key; allowed: dev_queries, documents, "],
    ),
    "half of one's own files": (
        "studies/test.yaml",
        {"collection": {"documents": "texts.tsv", "queries": "topics.tsv"}},
        ["config/studies/test.yaml: collection: qrels: not given; without `folder`, documents, queries and"],
    ),
    "one file of judgements that is not divided": (
        "studies/test.yaml",
        {"collection": {"folder": "data/mine", "qrels": "all.qrels"}},
        ["collection: qrels: one file of judgements has to be divided: add `split: {dev: 0.2}`"],
    ),
    "a share that is none": (
        "studies/test.yaml",
        {"collection": {"dataset": "vaswani", "split": {"dev": 20}}},
        ["config/studies/test.yaml: collection.split.dev: Input should be less than 1 (it says 20)"],
    ),
    "folds and a share": (
        "studies/test.yaml",
        {"collection": {"dataset": "vaswani", "split": {"dev": 0.2, "folds": 5}}},
        ["config/studies/test.yaml: collection.split: one of `dev` (a share of the queries) and `folds`"],
    ),
    "neither folds nor a share": (
        "studies/test.yaml",
        {"collection": {"dataset": "vaswani", "split": {}}},
        ["config/studies/test.yaml: collection.split: one of `dev` (a share of the queries) and `folds`"],
    ),
    "one fold": (
        "studies/test.yaml",
        {"collection": {"dataset": "vaswani", "split": {"folds": 1}}},
        ["collection.split.folds: Input should be greater than or equal to 2 (it says 1)"],
    ),
    "folds, and a first stage that learns from their queries": (
        "studies/test.yaml",
        {
            "collection": {"dataset": "vaswani", "split": {"folds": 5}},
            "candidates__dense": {"first_stage": "dense", "backbone": "bert"},
        },
        ["candidates.dense: dense learns from training queries, and of folds every query is evaluated on"],
    ),
    "folds, and a backbone that learns from their queries": (
        "studies/test.yaml",
        {
            "collection": {"dataset": "vaswani", "split": {"folds": 5}},
            "backbones__prop__objectives": {"weak": 1},
        },
        ["backbones.prop.objectives: weak learns from training queries, and of folds every query is"],
    ),
    "a column that a file of queries does not have": (
        "studies/test.yaml",
        {"collection": {"folder": "data/mine", "queries": {"path": "q.tsv", "txet": "question"}}},
        ["collection.queries.txet: unknown key; did you mean 'text'? allowed: columns, format, id, path, t"],
    ),
    "value of the wrong kind": (
        "studies/test.yaml",
        {"training__epochs": "two"},
        ["training.epochs", "valid integer", "'two'"],
    ),
    "value out of range": (
        "studies/test.yaml",
        {"training__learning_rate": -1.0},
        ["greater than 0", "-1.0"],
    ),
    "unknown first stage": (
        "studies/test.yaml",
        {"candidates": {"bm25": {"first_stage": "bm52"}}},
        [
            "config/studies/test.yaml: candidates.bm25.first_stage: no plug-in 'bm52'",
            "did you mean 'bm25'? allowed: bm25, dense, hdct",
        ],
    ),
    "a first stage that learns without a backbone": (
        "studies/test.yaml",
        {"candidates": {"hdct": {"first_stage": "hdct"}}},
        [
            "config/studies/test.yaml: candidates.hdct: backbone: hdct learns and needs one of the study's "
            "backbones"
        ],
    ),
    "option that a first stage does not have": (
        "studies/test.yaml",
        {
            "candidates": {
                "ance": {"first_stage": "dense", "backbone": "bert", "options": {"refresh_every": 30}}
            }
        },
        [
            "config/studies/test.yaml: candidates.ance.options: refresh_every: dense has no such option; "
            "allowed: negatives, pooling"
        ],
    ),
    "option that a policy of negatives does not have": (
        "studies/test.yaml",
        {
            "candidates": {
                "ance": {
                    "first_stage": "dense",
                    "backbone": "bert",
                    "options": {"negatives": {"name": "ance", "refresh": 30}},
                }
            }
        },
        [
            "config/studies/test.yaml: candidates.ance.options: negatives: refresh: ance has no such option; "
            "did you mean 'refresh_every'?"
        ],
    ),
    "a first stage that learns nothing given a backbone": (
        "studies/test.yaml",
        {"candidates": {"bm25": {"first_stage": "bm25", "backbone": "bert"}}},
        ["config/studies/test.yaml: candidates.bm25: backbone: bm25 learns nothing; remove it"],
    ),
    "re-ranked candidates that there are none of": (
        "studies/test.yaml",
        {"reranked": ["ance"]},
        ["config/studies/test.yaml: reranked: no candidates 'ance'; allowed: bm25"],
    ),
    "given run for one split only": (
        "studies/test.yaml",
        {"candidates": {"mine": {"dev": "dev.trec"}}},
        ["config/studies/test.yaml: candidates.mine.train: this key is missing"],
    ),
    "unknown key of a published run": (
        "studies/test.yaml",
        {"candidates": {"mine": {"dev": "dev.trec", "train": {"path": "train.trec", "uri": "http://a.org"}}}},
        ["config/studies/test.yaml: candidates.mine.train.uri: unknown key", "did you mean 'url'?"],
    ),
    "run in an unknown format": (
        "studies/test.yaml",
        {"candidates": {"mine": {"dev": "dev.trec", "train": {"path": "train.tsv", "format": "tsv"}}}},
        ["candidates.mine.train.format", "'trec', 'ranks' or 'texts'", "'tsv'"],
    ),
    "published where no one can fetch it": (
        "studies/test.yaml",
        {
            "candidates": {
                "mine": {"train": "train.trec", "dev": {"path": "dev.trec", "url": "a.org/dev.trec"}}
            }
        },
        ["candidates.mine.dev.url", "https?://", "'a.org/dev.trec'"],
    ),
    "a seed twice": ("studies/test.yaml", {"seeds": [1, 1]}, ["seeds: [1, 1] names a seed twice"]),
    "no room for the document": (
        "studies/test.yaml",
        {"input__max_query_tokens": 30},
        ["max_query_tokens=30 leaves no room for a document in max_tokens=32"],
    ),
    "a stride that nothing reads": (
        "studies/test.yaml",
        {"input__stride": 8},
        ["config/studies/test.yaml: input: stride: is read with `passages: max` only; say that too, or"],
    ),
    "a stride that skips tokens": (
        "studies/test.yaml",
        {"input__passages": "max", "input__stride": 13},
        [
            "input: stride=13 would skip tokens between passages, as max_query_tokens=12 of max_tokens=32",
            "lower it to 12 or less",
        ],
    ),
    "heads that do not divide the width": (
        "studies/test.yaml",
        {"backbones__bert__heads": 3},
        ["hidden=16 is not a multiple of heads=3"],
    ),
    "pre-training that starts from nothing": (
        "studies/test.yaml",
        {"backbones__prop__start": "brt"},
        [
            "config/studies/test.yaml: backbones.prop.start: 'brt' must be a backbone above it in the file",
            "allowed: bert, electra",
        ],
    ),
    "pre-training by an unknown objective": (
        "studies/test.yaml",
        {"backbones__prop__objectives": {"porp": 1}},
        [
            "config/studies/test.yaml: backbones.prop.objectives: no plug-in 'porp'",
            "did you mean 'prop'? allowed: ict, mlm, nsp, prop, rtd, weak, wlp",
        ],
    ),
    "objective of no weight": (
        "studies/test.yaml",
        {"backbones__prop__objectives": {"mlm": 0}},
        ["backbones.prop.objectives.mlm: Input should be greater than 0"],
    ),
    "option that an objective does not have": (
        "studies/test.yaml",
        {"backbones__prop__options": {"prop": {"lambda": 3}}},
        [
            "config/studies/test.yaml: backbones.prop.options.prop: lambda: prop has no such option; "
            "allowed: poisson"
        ],
    ),
    "option of an objective that is not there": (
        "studies/test.yaml",
        {"backbones__prop__options": {"ict": {"removal": 0.5}}},
        ["backbones.prop: options.ict: it is not among the objectives"],
    ),
    "link prediction where there are no links": (
        "studies/scifact.yaml",
        {"backbones__ict__objectives": {"wlp": 1}},
        ["backbones.ict.corpus: wlp learns from links between documents, and beir/scifact/train has none"],
    ),
    "corpus that lies nowhere": (
        "studies/test.yaml",
        {"backbones__prop__corpus": {"source": "wikipedia"}},
        ["backbones.prop.corpus: path: wikipedia is not part of the suite; say where it lies"],
    ),
    "corpus of the study with a path": (
        "studies/test.yaml",
        {"backbones__prop__corpus": {"source": "collection", "path": "x"}},
        ["backbones.prop.corpus: path: the study's own documents have none; remove it"],
    ),
    "pre-training without room for the document": (
        "studies/test.yaml",
        {"backbones__prop__max_query_tokens": 30},
        ["backbones.prop: max_query_tokens=30 leaves no room for a document in max_tokens=32"],
    ),
    "workers that do not divide the blocks of a step": (
        "studies/test.yaml",
        {"compute__gpus": 3},
        ["compute.gpus=3 does not divide training.blocks_per_step=4", "1, 2, 4"],
    ),
    "learning rate of a family that there is not": (
        "studies/test.yaml",
        {"learning_rates": {"v5": 1e-4}},
        ["config/studies/test.yaml: learning_rates: no plug-in 'v5'", "allowed: none, v0, v1, v2, v3, v4"],
    ),
    "learning rate of nothing": (
        "studies/test.yaml",
        {"learning_rates": {"v3": 0.0}},
        ["config/studies/test.yaml: learning_rates.v3: Input should be greater than 0"],
    ),
    "learning rate of a recipe below 0": (
        "recipes/v0.yaml",
        {"learning_rate": -1e-4},
        ["config/recipes/v0.yaml: learning_rate: Input should be greater than 0"],
    ),
    "tuning of a recipe that there is not": (
        "tuning/cpr.yaml",
        {"recipes": ["v4-top-16-literal", "v4-top-16-geometrical"]},
        ["config/tuning/cpr.yaml: recipes.1: unknown name", "did you mean 'v4-top-16-geometric'?"],
    ),
    "tuning on a backbone that no study has": (
        "tuning/cpr.yaml",
        {"backbone": "brt"},
        ["config/tuning/cpr.yaml: backbone: no study defines 'brt'; did you mean 'bert'?"],
    ),
    "tuning on candidates that no study has": (
        "tuning/cpr.yaml",
        {"candidates": "bm52"},
        ["config/tuning/cpr.yaml: candidates: no study defines 'bm52'; did you mean 'bm25'?"],
    ),
    "tuning by no measure": (
        "tuning/cpr.yaml",
        {"measure": "MRR-100"},
        ["config/tuning/cpr.yaml: measures.0", "MRR-100"],
    ),
    "nothing to choose from": (
        "tuning/cpr.yaml",
        {"recipes": ["v4-top-16"]},
        ["config/tuning/cpr.yaml", "recipes: to choose one, there must be two or more"],
    ),
    "a recipe to choose twice": (
        "tuning/cpr.yaml",
        {"recipes": ["v0", "v0"]},
        ["recipes: one appears twice"],
    ),
    "a grid of one rate": (
        "tuning/learning-rate.yaml",
        {"learning_rates": [1e-4]},
        ["config/tuning/learning-rate.yaml: learning_rates", "at least 2 items"],
    ),
    "a rate twice in a grid": (
        "tuning/learning-rate.yaml",
        {"learning_rates": [1e-4, 1e-4]},
        ["learning_rates: one appears twice"],
    ),
    "two recipes of a family in a grid": (
        "tuning/learning-rate.yaml",
        {"recipes": ["v0", "lce-8"]},
        ["config/tuning/learning-rate.yaml: recipes: v0 is not the only one of family v0; leave one of each"],
    ),
    "levels that grow": (
        "recipes/v4-top-16.yaml",
        {"levels": [48, 88, 16]},
        ["levels: [48, 88, 16] must fall"],
    ),
    "level without a negative": ("recipes/v4-top-16.yaml", {"levels": [88, 1]}, ["stay at 2 or more"]),
    "levels that the study's scale makes equal": (
        "studies/test.yaml",
        {"group_sizes": {88: 6, 48: 4, 16: 4, 8: 2}},
        ["config/studies/test.yaml: group_sizes", "[88, 48, 16]", "[6, 4, 4]"],
    ),
    "size of a recipe that the study does not scale": (
        "recipes/v4-top-16.yaml",
        {"levels": [88, 64, 16]},
        [
            "config/studies/test.yaml: group_sizes: has no size for 64 of config/recipes/v4-top-16.yaml",
            "64: 16",
        ],
    ),
    "group larger than the block can be": (
        "studies/test.yaml",
        {"group_sizes": {88: 50, 48: 4, 16: 3, 8: 2}},
        ["config/recipes/", "levels: a group of 50", "depth of 12", "at most 13"],
    ),
    "unknown strategy": (
        "recipes/v0.yaml",
        {"strategy": "v9"},
        [
            "config/recipes/v0.yaml: strategy: no plug-in 'v9' in sirbench.strategies; ",
            "allowed: none, v0, v1, v2, v3, v4",
        ],
    ),
    "no strategy": (
        "recipes/v0.yaml",
        {"strategy": None},
        ["config/recipes/v0.yaml: strategy: this key is missing; allowed: none, v0, v1, v2, v3, v4"],
    ),
    "unknown loss": (
        "recipes/v0.yaml",
        {"loss": "mse"},
        [
            "config/recipes/v0.yaml: loss: no plug-in 'mse'",
            "allowed: approx-ndcg, cross-entropy, hinge, lambda-loss",
        ],
    ),
    "option that a loss does not have": (
        "recipes/v0.yaml",
        {"loss": {"name": "hinge", "margn": 2}},
        ["config/recipes/v0.yaml: loss: margn: hinge has no such option; did you mean 'margin'?"],
    ),
    "option of a loss out of range": (
        "recipes/v0.yaml",
        {"loss": {"name": "hinge", "margin": 0}},
        ["config/recipes/v0.yaml: loss: margin: Input should be greater than 0 (it says 0)"],
    ),
    "option of another strategy": (
        "recipes/v3-top-16.yaml",
        {"cpr": "product"},
        ["config/recipes/v3-top-16.yaml: cpr: unknown key; allowed: blocks, description, epochs, forward, "],
    ),
    "blocks that are neither fixed nor redrawn": (
        "recipes/v1-top-16.yaml",
        {"blocks": "anew"},
        ["config/recipes/v1-top-16.yaml: blocks: Input should be 'redrawn' or 'fixed' (it says 'anew')"],
    ),
    "loss on a level that is not there": (
        "recipes/v4-top-16.yaml",
        {"loss_levels": [1, 4]},
        ["there is no level 4; allowed: 1 to 3"],
    ),
    "a level's loss counted twice": (
        "recipes/v4-top-16.yaml",
        {"loss_levels": [1, 1]},
        ["loss_levels: [1, 1] must name one level or more, each once"],
    ),
    "no loss at all": (
        "recipes/v4-top-16.yaml",
        {"loss_levels": []},
        ["loss_levels: [] must name one level or more"],
    ),
    "epochs per level for a strategy without": (
        "recipes/v4-top-16.yaml",
        {"epochs": [1, 2, 1]},
        ["v4 here has 1 numbers, not 3"],
    ),
    "too few epochs per level": (
        "recipes/v1-top-16.yaml",
        {"epochs": [1, 2]},
        ["v1 here has 3 numbers, not 2"],
    ),
    "no epoch": ("recipes/v4-top-16.yaml", {"epochs": [0]}, ["epochs.0", "greater than 0"]),
    "V0 with levels": ("recipes/v0.yaml", {"levels": [88, 2]}, ["v0 has one level"]),
    "table with an unknown recipe": (
        "tables/table3.yaml",
        {"rows__1__recipe": "v1-random-61"},
        [
            "config/tables/table3.yaml: rows.1.recipe: unknown name 'v1-random-61'",
            "did you mean 'v1-random-16'?",
        ],
    ),
    "row with an unknown baseline": (
        "tables/table3.yaml",
        {"rows__1__baseline": "v00"},
        ["config/tables/table3.yaml: rows.1.baseline: unknown name 'v00'", "did you mean 'v0'?"],
    ),
    "table with a backbone of no study": (
        "tables/table3.yaml",
        {"rows__1__backbone": "brt"},
        ["rows.1.backbone: no study defines 'brt'", "did you mean 'bert'?"],
    ),
    "table with candidates that no one defines": (
        "tables/table3.yaml",
        {"candidates": ["bm52"]},
        ["config/tables/table3.yaml: candidates: no study defines 'bm52'", "did you mean 'bm25'?"],
    ),
    "table with an unknown baseline": (
        "tables/table3.yaml",
        {"baseline": "v5"},
        ["config/tables/table3.yaml: baseline: unknown name 'v5'"],
    ),
    "table of cells without rows": (
        "tables/table3.yaml",
        {"rows": None},
        ["config/tables/table3.yaml: rows: a table of cells needs at least one row"],
    ),
    "table of candidates with rows": (
        "tables/table3.yaml",
        {"of": "candidates", "baseline": "bm25"},
        ["config/tables/table3.yaml: rows: a table of candidates makes its own rows"],
    ),
    "table of candidates without a baseline": (
        "tables/firststage.yaml",
        {"baseline": None},
        ["config/tables/firststage.yaml: baseline: this key is missing: which candidates"],
    ),
    "table of candidates with an unknown baseline": (
        "tables/firststage.yaml",
        {"baseline": "bm52"},
        ["config/tables/firststage.yaml: baseline: unknown name 'bm52'; did you mean 'bm25'?"],
    ),
    "figure of a table of candidates": (
        "figures/figure4.yaml",
        {"table": "firststage"},
        [
            "config/figures/figure4.yaml: table: firststage is not a table of cells",
            "which figures of kind strategies draw",
        ],
    ),
    "table with a cell twice": (
        "tables/table3.yaml",
        {"rows__1__recipe": "v0"},
        ["backbone bert with recipe v0 appears twice"],
    ),
    "figure of an unknown kind": (
        "figures/figure4.yaml",
        {"kind": "strategy"},
        [
            "config/figures/figure4.yaml: kind: no plug-in 'strategy' in sirbench.reporting.figures; "
            "did you mean 'strategies'? allowed: claims, depths, levels, ",
        ],
    ),
    "figure of an unknown table": (
        "figures/figure4.yaml",
        {"table": "tabel2"},
        ["config/figures/figure4.yaml: table: unknown name 'tabel2'; did you mean 'table2'?"],
    ),
    "figure without the table that its kind draws": (
        "figures/figure4.yaml",
        {"table": None},
        ["config/figures/figure4.yaml: table: this key is missing"],
    ),
    "figure with a measure that its table lacks": (
        "figures/figure5.yaml",
        {"measures": ["RR@100", "RR@1"]},
        ["config/figures/figure5.yaml: measures.1: table3 does not show RR@1", "allowed: RR@10, RR@100"],
    ),
    "space of an unknown recipe": (
        "figures/figure6.yaml",
        {"space__recipes": ["v1-top-16", "v4-tpo-16"]},
        ["config/figures/figure6.yaml: space.recipes.1: unknown name 'v4-tpo-16'; did you mean 'v4-top-16'?"],
    ),
    "space of an unknown backbone": (
        "figures/figure6.yaml",
        {"space__backbone": "brt"},
        ["config/figures/figure6.yaml: space.backbone: no study defines 'brt'; did you mean 'bert'?"],
    ),
    "space of a seed that no study has": (
        "figures/figure6.yaml",
        {"space__seed": 7},
        ["config/figures/figure6.yaml: space.seed: no study defines 7; allowed: 1, 2, 3"],
    ),
    "space of no query": (
        "figures/figure6.yaml",
        {"space__train_queries": 0, "space__dev_queries": 0},
        ["config/figures/figure6.yaml: space: train_queries and dev_queries are both 0"],
    ),
    "space that is not described": (
        "figures/figure6.yaml",
        {"space": None},
        ["config/figures/figure6.yaml: space: this key is missing"],
    ),
    "space projected in an unknown way": (
        "figures/figure6.yaml",
        {"space__projection": "mds"},
        ["config/figures/figure6.yaml: space.projection: ", "'mds'"],
    ),
    "figure with an unknown key": (
        "figures/figure4.yaml",
        {"widht": "page"},
        ["config/figures/figure4.yaml: widht: unknown key; did you mean 'width'?"],
    ),
    "table with an unknown measure": (
        "tables/table3.yaml",
        {"measures": ["MRR-100"]},
        ["config/tables/table3.yaml: measures.0", "MRR-100", "RR@10"],
    ),
}


@pytest.mark.parametrize(("file", "changes", "parts"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_named(folder, monkeypatch, file, changes, parts):
    monkeypatch.chdir(folder.parent)
    edit(folder / file, **changes)
    kind, _, name = file.removesuffix(".yaml").partition("/")
    with pytest.raises(InputError) as caught:
        load(name if kind == "studies" else "test")
    message = str(caught.value)
    assert [part for part in parts if part not in message] == [], message
    assert len(message.splitlines()) == 1, message


def test_figure_with_the_name_of_a_table(folder):
    shutil.copy(folder / "figures/figure4.yaml", folder / "figures/table2.yaml")
    with pytest.raises(InputError, match=r"figures/table2\.yaml: there is a table of this name"):
        load("test", folder)


def test_a_mistake_in_one_study_stops_no_other(folder):
    """Not even where tables name backbones that only that study may define."""
    edit(folder / "tables/table3.yaml", rows__1__backbone="of-mine")
    (folder / "studies/mine.yaml").write_text("title: mine\nbackbones:\n  of-mine: {source: tiny}\n  of")
    assert load("test", folder).name == "test"
    with pytest.raises(InputError, match=r"studies/mine\.yaml: not readable as YAML"):
        load("mine", folder)


def test_a_study_whose_plug_ins_are_wrong_stops_no_other(folder):
    path = folder / "studies/demo.yaml"
    path.write_text(path.read_text().replace("first_stage: bm25", "first_stage: bm52"))
    assert load("test", folder).name == "test"
    with pytest.raises(InputError, match=r"studies/demo\.yaml: candidates\.bm25\.first_stage"):
        load("demo", folder)


def test_all_studies_are_checked_at_once(folder):
    edit(folder / "studies/demo.yaml", seeds=[1, 1])
    edit(folder / "studies/laptop.yaml", group_sizes={88: 5, 48: 5, 16: 4, 8: 2})
    fitting, errors = check_all(folder)
    assert {config.name for config in fitting} | {"demo", "laptop"} == set(study_names(folder))
    assert errors.keys() == {"demo", "laptop"}
    assert "names a seed twice" in str(errors["demo"]) and "must fall strictly" in str(errors["laptop"])


@pytest.mark.parametrize(
    "name", ["$(touch X)", "a b", "../../../../ESCAPED", "a/b", "-x", ".x", "ä", "", "x" * 65]
)
@pytest.mark.parametrize("key", ["candidates", "backbones"])
def test_a_name_that_is_no_file_name_in_a_study(key, name, folder):
    content = yaml.safe_load((folder / "studies/test.yaml").read_text())
    content[key] = content[key] | {name: next(iter(content[key].values()))}
    (folder / "studies/test.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(InputError, match=rf"studies/test\.yaml: {key}.*cannot be a name"):
        load("test", folder)


def test_a_name_of_a_claim_that_is_no_file_name(folder):
    edit(folder / "claims/ours.yaml", claims={"$(x)": {}})
    with pytest.raises(InputError, match=r"claims/ours\.yaml: claims.*cannot be a name"):
        load("test", folder)


@pytest.mark.parametrize("kind", ["recipes", "tables", "figures", "claims"])
def test_a_file_whose_name_cannot_be_one(kind, folder):
    shutil.copy(next((folder / kind).glob("*.yaml")), folder / kind / "$(touch X).yaml")
    with pytest.raises(InputError, match=rf"config/{kind}/: .*cannot be a name: .*; rename the file"):
        load("test", folder)


def test_a_study_whose_name_cannot_be_one_is_no_study(folder):
    shutil.copy(folder / "studies/test.yaml", folder / "studies/$(touch X).yaml")
    assert load("test", folder).name == "test"
    with pytest.raises(InputError, match="cannot be a name"):
        load("$(touch X)", folder)


def test_a_hidden_file_is_none_of_config(folder):
    """As other systems leave them beside every file."""
    (folder / "tables/._table3.yaml").write_bytes(b"\x00\x05\x16\x07")
    assert load("test", folder).name == "test"


@pytest.mark.parametrize(("kind", "name"), [("tables", "train"), ("tables", "report"), ("figures", "tables")])
def test_a_table_or_a_figure_named_like_another_target(kind, name, folder):
    """Rules of the workflow and targets of make; to Snakemake both would be the same."""
    shutil.copytree(ROOT / "workflow", folder.parent / "workflow")
    shutil.copy(ROOT / "Makefile", folder.parent)
    assert load("test", folder).name == "test"
    shutil.copy(next((folder / kind).glob("*.yaml")), folder / kind / f"{name}.yaml")
    with pytest.raises(InputError, match=rf"config/{kind}/{name}\.yaml: {name} is a rule of the workflow or"):
        load("test", folder)


@pytest.mark.parametrize("revision", ["../../../x", "/etc", "a/../b", "-x", "$(touch x)", "a..b", ""])
def test_a_revision_of_the_hub_s_is_a_name_of_git_s(revision, folder):
    edit(folder / "studies/test.yaml", backbones__bert={"source": "hub", "name": "a/b", "revision": revision})
    with pytest.raises(InputError, match=r"backbones\.bert\.revision"):
        load("test", folder)


@pytest.mark.parametrize(
    "revision", ["main", "refs/pr/1", "v1.0", "86b5e0934494bd15c9632b12f734a8a67f723594"]
)
def test_a_revision_of_the_hub_s(revision, folder):
    edit(folder / "studies/test.yaml", backbones__bert={"source": "hub", "name": "a/b", "revision": revision})
    assert load("test", folder).study.backbones["bert"].revision == revision


def test_file_that_is_no_yaml(folder):
    (folder / "recipes" / "mine.yaml").write_text("levels: [88,\n")
    with pytest.raises(InputError, match=r"recipes/mine\.yaml: not readable as YAML"):
        load("test", folder)


def test_a_key_that_stands_twice_is_refused(folder):
    (folder / "recipes" / "mine.yaml").write_text("strategy: v0\nlevels: [88]\nlevels: [2]\n")
    with pytest.raises(InputError, match=r"recipes/mine\.yaml: .*'levels' appears twice\s.* line 3"):
        load("test", folder)


def test_unknown_study_lists_the_known_ones(folder):
    with pytest.raises(InputError, match=r"'tset'.*did you mean 'test'\?.*config/studies"):
        load("tset", folder)


def test_wrong_folder_says_where_to_run(tmp_path):
    with pytest.raises(InputError, match="repository's root"):
        load("test", tmp_path)


def test_schemas_are_up_to_date():
    for name, schema in schemas().items():
        path = ROOT / "config" / "schema" / name
        said = path.read_text(encoding="utf-8")
        assert said == as_text(schema), f"{path} is out of date; run `sirbench schema`"


def test_the_tables_of_keys_are_up_to_date():
    readme = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert "<!-- keys: recipe -->" in readme
    assert with_key_tables(readme) == readme, "config/README.md is out of date; run `sirbench schema`"


FILES = [
    (path, schema)
    for folder, schema in FOLDERS.items()
    for path in sorted((ROOT / "config" / folder).glob("*.yaml"))
]


@pytest.mark.parametrize(("path", "schema"), FILES, ids=lambda it: it.stem if isinstance(it, Path) else "")
def test_an_editor_accepts_every_shipped_file_and_refuses_a_wrong_key(path, schema):
    """By the schema that the file's first line names, as an editor would."""
    assert path.read_text().startswith(f"# yaml-language-server: $schema=../schema/{schema}\n")
    content = yaml.safe_load(path.read_text())
    validator = jsonschema.Draft202012Validator(schemas()[schema])
    assert list(validator.iter_errors(content)) == []
    assert not validator.is_valid({**content, "levls": [2]})


def test_every_setting_says_what_it_is():
    def undescribed(schema):
        return [
            f"{name}.{field}"
            for name, model in {**schema.get("$defs", {}), schema["title"]: schema}.items()
            for field, spec in model.get("properties", {}).items()
            if "description" not in spec
            and "$ref" not in spec
            and "const" not in spec
            and not spec.get("anyOf")
        ]

    plugins = [registry.find(name) for registry in (STRATEGIES, KINDS) for name in registry.names()]
    for model in (Study, Table, *plugins):
        assert [
            name for name in undescribed(model.model_json_schema()) if name.split(".")[1] not in PLAIN
        ] == []


PLAIN = ("collection", "backbones")
"""Fields whose own model says what they are."""


def test_what_every_start_of_the_workflow_imports_is_light():
    """Snakemake itself brings numpy and pandas; what computes, and ir_datasets, take seconds beside it."""
    code = (
        "import sys; from sirbench.config import load; load('paper')\n"
        "import sirbench.data.pydocs, sirbench.jobs.held_out, sirbench.jobs.kept, sirbench.jobs.tuning\n"
        "heavy = {'torch', 'transformers', 'scipy', 'sklearn', 'matplotlib', 'ir_datasets'}\n"
        "print(heavy & sys.modules.keys() or 'light')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "light\n"
