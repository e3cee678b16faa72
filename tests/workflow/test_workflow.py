"""The workflow as a user meets it: targets, a table of one's own, what runs again and what does not."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

from sirbench.config import load, study_names
from sirbench.jobs.needs import shows_something
from tests.checkouts import ROOT, copy_checkout, environment, snakemake
from tests.data import own

MINE = """
title: A table of mine
caption: V0 beside the strategies whose levels are jobs of their own.
measures: [RR@10, AP@20]
rows:
  - {label: V0, backbone: bert, recipe: v0}
  - {label: V1 Top, backbone: bert, recipe: v1-top-16}
  - {label: V2 Top, backbone: bert, recipe: v2-top-16}
"""

MINE_DRAWN = """
kind: strategies
title: A figure of mine
caption: What config/tables/mine.yaml holds.
table: mine
measures: [RR@10]
"""


GRID = """
title: A grid of mine
caption: Two rates.
recipes: [v0]
learning_rates: [5.0e-4, 1.0e-3]
backbone: bert
"""


def planned(output):
    """Rule to number of jobs, from Snakemake's table of job counts."""
    table = re.search(r"^job +count\n-+ +-+\n(.*?)\n\n", output, re.MULTILINE | re.DOTALL)
    counts = dict(line.split() for line in table.group(1).splitlines()) if table else {}
    return {rule: int(count) for rule, count in counts.items() if rule != "total"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, pydocs_sliver):
    folder = copy_checkout(tmp_path_factory.mktemp("workflow") / "checkout", pydocs_sliver.parent)
    (folder / "config/tables/mine.yaml").write_text(MINE)
    (folder / "config/figures/mine-drawn.yaml").write_text(MINE_DRAWN)
    return folder


@pytest.fixture(scope="module")
def finished(checkout):
    """The checkout after `snakemake mine mine-drawn` on two cores and what looks like one GPU."""
    done = snakemake(checkout, "mine", "mine-drawn", variables={"CUDA_VISIBLE_DEVICES": "0"})
    assert done.returncode == 0, done.stdout[-5000:]
    OUTPUT[checkout] = done.stdout
    return checkout


STUDY_FURTHER = """
reranked: [bm25]
depths: [2, 5, 12]
evaluate_on: {far: {collection: {folder: data/far}}}
"""

FURTHER = {
    "far": """
title: On a folder
caption: Another collection.
of: transfer
measures: [RR@10]
rows: [{label: V0, backbone: bert, recipe: v0}]
""",
    "few": """
title: Few
caption: Fewer candidates.
of: depths
measures: [RR@10]
rows: [{label: V0, backbone: bert, recipe: v0}]
""",
    "crossed": """
title: Crossed
caption: Other candidates, and nothing trained.
measures: [RR@10]
candidates: [bm25, plain]
rows:
  - {label: V0, backbone: bert, recipe: v0}
  - {label: V0 as published, backbone: ready, recipe: none, baseline: none}
""",
}
"""Tables about a cell that is there, and about its model as a checkpoint that somebody else has trained."""


BEFORE_CANDIDATES = ("build_pydocs", "extract_queries", "make_candidates")
"""What the candidates' own measures take, which a table prints beside those of cells."""

OUTPUT = {}
"""What Snakemake printed, by checkout."""


@pytest.mark.workflow
@pytest.mark.parametrize("study", study_names(ROOT / "config"))
def test_dry_run_of_every_target_of_every_study(checkout, study):
    config = load(study, checkout / "config")
    targets = [name for name, table in config.tables.items() if shows_something(config, table)]
    done = snakemake(checkout, "--dry-run", "tables", "figures", *targets, *config.figures, study=study)
    assert done.returncode == 0, done.stdout[-3000:]
    assert planned(done.stdout)["write_figure"] == len(config.figures)
    assert planned(done.stdout)["write_table"] == len(targets) > 0


@pytest.mark.workflow
def test_without_a_target_it_makes_all_tables(checkout):
    named = planned(snakemake(checkout, "--dry-run", "tables").stdout)
    assert named.pop("tables") == 1 and "write_table" in named
    assert planned(snakemake(checkout, "--dry-run").stdout) == {**named, "all": 1}


@pytest.mark.workflow
def test_lint_and_format():
    for command in (["snakemake", "--lint"], ["snakefmt", "--check", "Snakefile", "workflow"]):
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_word_of_a_shell_command_is_quoted():
    """Names are plain, and a folder's path, for one, need not be."""
    shells = [
        shell
        for path in (ROOT / "workflow").rglob("*.smk")
        for shell in re.findall(r"^    shell:\n((?:        .*\n)+)", path.read_text(), re.M)
    ]
    assert len(shells) > 15
    words = [word for shell in shells for word in re.findall(r"\{(.*?)\}", shell)]
    assert [word for word in words if not word.endswith(":q")] == []


@pytest.mark.workflow
def test_a_table_of_ones_own_is_a_target(finished):
    table = pd.read_csv(finished / "results/test/tables/mine.csv")
    assert list(table["row"].unique()) == ["V0", "V1 Top", "V2 Top"]
    assert list(table["measure"].unique()) == ["RR@10", "AP@20"]
    assert table["value"].between(0, 1).all()
    assert "DEMONSTRATION" in (finished / "results/test/tables/mine.md").read_text()


@pytest.mark.workflow
def test_the_table_of_first_stages_trains_nothing(finished):
    rules = planned(snakemake(finished, "--dry-run", "firststage").stdout)
    assert rules == {"write_table": 1, "firststage": 1}


@pytest.fixture(scope="module")
def further(finished, tmp_path_factory):
    """The finished checkout with `FURTHER`, after `snakemake far few crossed`, and what that printed."""
    folder = copy_of(finished, tmp_path_factory.mktemp("further"))
    shutil.copytree(folder / "results/test/cells/bm25/bert/v0/seed1/model", folder / "models/v0")
    own.write(folder / "data/far", own.files())
    path = folder / "config/studies/test.yaml"
    study = yaml.safe_load(path.read_text()) | yaml.safe_load(STUDY_FURTHER)
    study["candidates"]["plain"] = {"first_stage": "bm25", "options": {"k1": 0.1, "b": 0.0}}
    study["backbones"]["ready"] = {"source": "folder", "path": "models/v0"}
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    for name, content in FURTHER.items():
        (folder / f"config/tables/{name}.yaml").write_text(content)
    done = snakemake(folder, *FURTHER)
    assert done.returncode == 0, done.stdout[-5000:]
    return folder, done.stdout


@pytest.mark.workflow
def test_what_a_finished_cell_re_ranks_further_trains_nothing(further, tmp_path):
    folder, printed = copy_of(further[0], tmp_path), further[1]
    rules = planned(printed)
    assert not {"train", "train_with_middle", "train_level", "build_pydocs"} & rules.keys()
    # V0 on `plain` and on the folder; the checkpoint on both candidates, neither of which it was trained on.
    assert (rules["rerank_further"], rules["evaluate_further"], rules["keep_backbone"]) == (2, 2, 2)
    assert (rules["rerank"], rules["extract_query_set"], rules["make_further_candidates"]) == (2, 1, 1)
    assert "Nothing to be done" in snakemake(folder, "--dry-run", *FURTHER).stdout
    edit(folder / "data/far/corpus.jsonl", "the third", "another third")
    again = planned(snakemake(folder, "--dry-run", "far").stdout)
    assert (again["extract_query_set"], again["tokenize_further"], again["rerank_further"]) == (1, 1, 1)


@pytest.mark.workflow
def test_the_tables_of_further_re_rankings(further):
    folder, _ = further
    tables = folder / "results/test/tables"
    own_value = pd.read_csv(tables / "mine.csv").set_index(["row", "measure"]).loc[("V0", "RR@10"), "value"]
    far, few = (pd.read_csv(tables / f"{name}.csv") for name in ("far", "few"))
    assert far.set_index("on")["queries"].to_dict() == {"dev": 6, "far": 1}
    assert far["loss"].iloc[1] == pytest.approx(own_value - far["value"].iloc[1])
    assert few.set_index(["row", "measure", "depth"]).loc[("V0", "RR@10", 12), "value"] == own_value


@pytest.mark.workflow
def test_a_trained_model_as_a_checkpoint_of_somebody_else_s_gives_the_same(further):
    folder, _ = further
    crossed = pd.read_csv(folder / "results/test/tables/crossed.csv").set_index(["row", "candidates"])[
        "value"
    ]
    assert crossed["V0"].to_dict() == crossed["V0 as published"].to_dict()
    cells = folder / "results/test/cells"
    first = (cells / "bm25/bert/v0/seed1/on/dev/plain/per_query.csv").read_text()
    second = (cells / "plain/ready/none/seed1/per_query.csv").read_text()
    assert first == second


@pytest.mark.workflow
def test_a_cell_that_is_kept_without_its_model_is_named_where_more_is_asked_of_it(further, tmp_path):
    folder = copy_of(further[0], tmp_path)
    cell = folder / "results/test/cells/bm25/bert/v0/seed1"
    for name in ("model", "on"):
        shutil.rmtree(cell / name)
    (cell / "run.trec.gz").unlink()
    for table in FURTHER:
        done = snakemake(folder, "--dry-run", table)
        assert done.returncode != 0
        assert f"bm25/bert/v0/seed1: kept without model and run, which table {table} needs" in done.stdout


@pytest.mark.workflow
def test_a_figure_of_kept_cells_models_is_kept_as_it_is_drawn_or_left_out(finished, tmp_path):
    folder = copy_of(finished, tmp_path)
    cell = folder / "results/test/cells/bm25/bert/v1-top-16/seed1"
    for name in ("model", "middle"):
        shutil.rmtree(cell / name)
    (cell / "run.trec.gz").unlink()
    refused = snakemake(folder, "--dry-run", "figure6")
    assert refused.returncode != 0
    assert "v1-top-16/seed1: kept without its model, which figure figure6 needs; remove" in refused.stdout
    assert "write_figure" in planned(snakemake(folder, "--dry-run", "figures").stdout)
    for ending in ("pdf", "png", "svg", "csv"):
        (folder / f"figures/test/figure6.{ending}").write_text("drawn before")
    assert set(planned(snakemake(folder, "--dry-run", "figure6").stdout)) <= {"figure6"}


@pytest.mark.workflow
def test_a_figure_of_ones_own_is_a_target(finished):
    files = {path.suffix: path for path in (finished / "figures/test").iterdir()}
    assert set(files) == {".pdf", ".png", ".svg", ".csv"}
    drawn = pd.read_csv(files[".csv"])
    assert list(drawn["row"]) == ["V0", "V1 Top", "V2 Top"]
    table = pd.read_csv(finished / "results/test/tables/mine.csv")
    assert list(drawn["value"]) == list(table.loc[table["measure"] == "RR@10", "value"])
    assert "DEMONSTRATION" in files[".svg"].read_text()


@pytest.mark.workflow
def test_a_changed_figure_is_drawn_again_and_nothing_else_runs(finished, tmp_path):
    folder = copy_of(finished, tmp_path)
    edit(folder / "config/figures/mine-drawn.yaml", "caption: What", "caption: That which")
    assert planned(snakemake(folder, "--dry-run", "mine-drawn").stdout) == {
        "write_figure": 1,
        "mine-drawn": 1,
    }


@pytest.mark.workflow
def test_levels_that_recipes_share_are_trained_once(finished):
    levels = sorted(path.name[:6] for path in (finished / "results/test/levels/bm25/bert").iterdir())
    assert levels == ["level1", "level2", "level2"]


@pytest.mark.workflow
def test_a_cell_keeps_its_model_record_and_provenance(finished):
    cell = finished / "results/test/cells/bm25/bert/v1-top-16/seed1"
    assert sorted(path.name for path in cell.glob("[!.]*")) == [
        *("middle", "model", "per_query.csv", "provenance.json", "run.ir_metadata.yaml", "run.trec.gz"),
        *("selection.parquet", "train.jsonl"),
    ]
    assert (cell / ".per_query.csv.manifest").exists() and not (cell / ".lease").exists()


@pytest.mark.workflow
def test_a_clone_with_some_of_the_cells_trains_the_others_only(finished, tmp_path):
    """As git has a committed cell: measures and provenance, but no model, no run, no notes of Snakemake."""
    folder = copy_checkout(tmp_path / "clone", finished / "data")
    (folder / "config/tables/mine.yaml").write_text(MINE)
    cells = "results/test/cells/bm25/bert"
    for recipe in ("v0", "v1-top-16"):
        (folder / cells / recipe / "seed1").mkdir(parents=True)
        for file in ("per_query.csv", "provenance.json", "train.jsonl"):
            shutil.copy(finished / cells / recipe / "seed1" / file, folder / cells / recipe / "seed1")
    rules = planned(snakemake(folder, "--dry-run", "mine").stdout)
    assert (rules.get("train", 0) + rules.get("train_with_middle", 0), rules["evaluate"]) == (1, 1)
    shutil.copytree(finished / cells / "v2-top-16/seed1", folder / cells / "v2-top-16/seed1")
    for name in ("model", "middle"):
        shutil.rmtree(folder / cells / "v2-top-16/seed1" / name)
    (folder / cells / "v2-top-16/seed1/run.trec.gz").unlink()
    done = snakemake(folder, "mine")
    assert done.returncode == 0, done.stdout[-3000:]
    assert set(planned(done.stdout)) <= {"write_table", "mine", "evaluate_candidates", *BEFORE_CANDIDATES}
    table = "results/test/tables/mine.csv"
    assert (folder / table).read_bytes() == (finished / table).read_bytes()


@pytest.mark.workflow
def test_a_kept_cell_of_other_settings_stops_the_workflow_by_name(finished, tmp_path):
    folder = copy_checkout(tmp_path / "clone", finished / "data")
    cell = "results/test/cells/bm25/bert/v0/seed1"
    (folder / cell).mkdir(parents=True)
    for file in ("per_query.csv", "provenance.json"):
        shutil.copy(finished / cell / file, folder / cell)
    edit(folder / "config/studies/test.yaml", "depth: 12", "depth: 11")
    done = snakemake(folder, "--dry-run", "mine")
    assert done.returncode != 0
    assert f"{cell}: of other settings: depth is 12 there and 11 in study test" in done.stdout


@pytest.mark.workflow
def test_only_cells_that_a_figure_shows_keep_the_middle_of_their_training(tmp_path, pydocs_sliver):
    folder = copy_checkout(tmp_path / "checkout", pydocs_sliver.parent)
    rules = planned(snakemake(folder, "--dry-run", "figure6", "table3").stdout)
    # Of the table's recipes, Figure 6 shows V1 to V4 with Top 16, and figure `space` V1 Random 16 too.
    assert (rules["train_with_middle"], rules["embed"]) == (5, 4)
    assert rules["train"] == len(load("test", ROOT / "config").tables["table3"].rows) - 5


@pytest.mark.workflow
def test_a_cell_is_one_job_of_a_cluster_up_to_its_measures_and_embedding_it_another():
    """When one of a group fails, Snakemake deletes what all of it have made: here, the model."""
    rules = "".join((ROOT / f"workflow/rules/{name}.smk").read_text() for name in ("train", "evaluate"))
    grouped = [
        part.partition(":")[0] for part in re.split(r"^rule ", rules, flags=re.M) if "CELL_GROUP" in part
    ]
    assert grouped == ["train", "keep_backbone", "rerank", "evaluate"]


@pytest.mark.workflow
def test_the_paper_s_tables_pre_train_what_nobody_has_published(checkout):
    done = snakemake(checkout, "--dry-run", "table1", "table2", "table3", study="paper")
    assert done.returncode == 0, done.stdout[-3000:]
    rules = planned(done.stdout)
    # WLP and ICT from BERT, on one Wikipedia in BERT's tokens; BERT, ELECTRA and PROP are on the hub.
    assert (rules["pretrain_backbone"], rules["tokenize_corpus"], rules["fetch_backbone"]) == (2, 1, 3)
    assert rules["tokenize"] == 5


@pytest.mark.workflow
def test_a_backbone_is_pre_trained_once(checkout, tmp_path):
    folder = copy_of(checkout, tmp_path)
    target = "results/test/pretraining/prop/provenance.json"
    done = snakemake(folder, target, variables={"CUDA_VISIBLE_DEVICES": "0"})
    assert done.returncode == 0, done.stdout[-5000:]
    assert (folder / "results/test/backbones/prop/model.safetensors").exists()
    assert "Nothing to be done" in snakemake(folder, "--dry-run", target).stdout
    edit(
        folder / "config/studies/test.yaml", "objectives: {prop: 1, mlm: 1}", "objectives: {prop: 1, mlm: 2}"
    )
    assert planned(snakemake(folder, "--dry-run", target).stdout) == {"pretrain_backbone": 1}


@pytest.mark.workflow
def test_a_finished_target_does_nothing(finished):
    assert "Nothing to be done" in snakemake(finished, "--dry-run", "mine").stdout


@pytest.mark.workflow
def test_changing_a_recipe_runs_its_cells_and_its_tables_again_and_nothing_else(finished, tmp_path):
    folder = copy_of(finished, tmp_path)
    edit(folder / "config/recipes/v0.yaml", "levels: [2]", "levels: [3]")
    done = snakemake(folder, "--dry-run", "mine")
    assert planned(done.stdout) == {
        **{"train": 1, "rerank": 1, "evaluate": 1},
        **{"write_table": 1, "mine": 1},
    }
    assert "recipe=v0" in done.stdout and "recipe=v1-top-16" not in done.stdout


@pytest.mark.workflow
def test_changing_a_description_runs_nothing(finished, tmp_path):
    folder = copy_of(finished, tmp_path)
    edit(folder / "config/recipes/v0.yaml", "description: V0", "description: The baseline V0")
    assert "Nothing to be done" in snakemake(folder, "--dry-run", "mine").stdout


@pytest.mark.workflow
def test_a_new_measure_evaluates_again_but_trains_nothing(finished, tmp_path):
    folder = copy_of(finished, tmp_path)
    edit(folder / "config/tables/mine.yaml", "[RR@10, AP@20]", "[RR@10, RR@5]")
    rules = planned(snakemake(folder, "--dry-run", "mine").stdout)
    assert rules == {"evaluate": 3, "evaluate_candidates": 1, "write_table": 1, "mine": 1}


@pytest.mark.workflow
def test_a_raised_method_revision_trains_everything_again(finished, tmp_path):
    folder = copy_of(finished, tmp_path)
    edit(folder / "sirbench/jobs/job.py", "\nMETHOD = 1\n", "\nMETHOD = 2\n")
    rules = planned(snakemake(folder, "--dry-run", "mine").stdout)
    assert (rules["train"], rules["train_with_middle"], rules["train_level"]) == (1, 2, 3)


@pytest.mark.workflow
def test_a_mistake_stops_everything_before_the_first_job(checkout, tmp_path):
    folder = copy_of(checkout, tmp_path)
    edit(folder / "config/tables/mine.yaml", "recipe: v1-top-16", "recipe: v1-tpo-16")
    done = snakemake(folder, "mine")
    assert done.returncode != 0
    assert (
        "config/tables/mine.yaml: rows.1.recipe: unknown name 'v1-tpo-16'; did you mean 'v1-top-16'?"
        in done.stdout
    )
    assert "Traceback" not in done.stdout
    assert "rule " not in done.stdout


@pytest.mark.workflow
def test_no_more_gpu_jobs_at_a_time_than_gpus(finished):
    """Two cores were free and several jobs ready, but one GPU was all there was."""
    running, most = set(), 0
    for event in re.finditer(
        r"^(?:local)?rule (\w+):|jobid: (\d+)$|^Finished jobid: (\d+)", OUTPUT[finished], re.M
    ):
        rule, started, ended = event.groups()
        if rule:
            on_gpu = rule in ("train", "train_with_middle", "train_level", "rerank")
        elif started and on_gpu:
            running.add(started)
        running.discard(ended)
        most = max(most, len(running))
    assert most == 1


@pytest.mark.workflow
def test_a_choice_is_made_on_validation_queries_alone(checkout, tmp_path):
    folder = copy_of(checkout, tmp_path)
    (folder / "config/tuning/learning-rate.yaml").write_text(GRID)
    (folder / "config/tuning/cpr.yaml").unlink()
    gpu = {"CUDA_VISIBLE_DEVICES": "0"}
    prepared = [f"results/test/{name}" for name in ("tokens/bert", "candidates/bm25/validation.trec.gz")]
    assert snakemake(folder, *prepared, variables=gpu).returncode == 0
    for path in folder.glob("results/test/c*/**/dev.*"):
        path.unlink()
    to_do = snakemake(folder, "--dry-run", "tune").stdout
    assert planned(to_do) == {
        **{"train": 2, "rerank_validation": 2, "evaluate_validation": 2},
        **{"write_tuning": 1, "tune": 1},
    }
    inputs = re.findall(r"^ +input: (.*)$", to_do, re.MULTILINE)
    assert len(inputs) >= 8 and not [files for files in inputs if "dev." in files]
    done = snakemake(folder, "tune", variables=gpu)
    assert done.returncode == 0, done.stdout[-5000:]
    record = json.loads((folder / "results/test/tuning/learning-rate.json").read_text())
    assert record["choices"]["v0"]["chosen"] in ("0.0005", "0.001") and record["validation_queries"] == 5
    cells = list((folder / "results/test/cells/bm25/bert").glob("v0-lr*/seed1"))
    assert len(cells) == 2
    for cell in cells:
        names = {path.name for path in cell.iterdir()}
        assert {"model", "validation.trec.gz", "validation_per_query.csv"} <= names
        assert not names & {"run.trec.gz", "per_query.csv", "checkpoint"}


@pytest.mark.workflow
def test_a_study_without_validation_queries_says_so_before_the_first_job(checkout):
    done = snakemake(checkout, "--dry-run", "tune", study="scifact")
    assert done.returncode != 0
    message = "config/studies/scifact.yaml: collection.validation_queries: this key is missing"
    assert message in done.stdout and "rule " not in done.stdout.partition(message)[0].partition("in rule")[0]


def test_the_slurm_profile_names_each_rule_that_uses_a_gpu():
    """Snakemake says nothing of `set-resources` for a rule that does not exist."""
    profile = (ROOT / "slurm/config.yaml").read_text()
    commented = re.search(r"^# set-resources:\n(?:#   .*\n)+", profile, re.M).group()
    named = yaml.safe_load(re.sub(r"^# ", "", commented, flags=re.M))["set-resources"]
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    blocks = re.split(r"^ *(?:use )?rule ", rules, flags=re.M)[1:]
    using = [block for block in blocks if "gpu=" in block or block.startswith("train as")]
    assert set(named) == {re.match(r"(?:train as )?(\w+)", block)[1] for block in using}
    assert all(resources == named["train"] for resources in named.values())


def copy_of(checkout, tmp_path):
    """A copy to edit, times included, so that nothing but the edit is a reason to run."""
    return Path(shutil.copytree(checkout, tmp_path / "checkout", symlinks=True))


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))
