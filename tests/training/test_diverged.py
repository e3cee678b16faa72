"""Training that diverges is a result: what it leaves, what follows from it, and that no retry undoes it."""

import gzip
import json
import shutil
import signal

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from sirbench.backbones.checkpoint import load_model
from sirbench.config import load
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.folders import Cell, Compressor
from sirbench.jobs.job import compressors
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import manifest_of
from tests.training.conftest import STUDY, write_study
from tests.training.jobs import CELL, Blow, cell, results, sirbench, train
from tests.training.test_anew import FIRST_STAGE_SPEC

NAMES = ("--backbone", "bert", "--recipe", "v0", "--seed", "1")
NOT_A_NUMBER = "at step 1 the loss is nan and the norm of its gradient nan"
RECORD = ("train.jsonl", "selection.parquet")


def diverge(folder, **training):
    """Let the first step throw the weights so far that the second has no loss."""
    write_study(folder, **{"learning_rate": 1e30, "gradient_clip": None, **training})


def provenance(folder, recipe="v0"):
    return json.loads((cell(folder, recipe=recipe) / "provenance.json").read_text())


def test_what_is_left_of_a_seed_that_diverged(work):
    diverge(work)
    ended = train(work, recipe="v0")
    assert ended.code == 0, ended.output
    assert f"WARNING: bm25/bert/v0/seed1: diverged: {NOT_A_NUMBER}. This is a result" in ended.output
    advice = "A lower learning_rate may help: choose it on validation queries, for every recipe of the family"
    assert advice in ended.output and "try another seed" not in ended.output
    assert provenance(work)["diverged"] == NOT_A_NUMBER and provenance(work)["seconds"] > 0
    folder = cell(work, recipe="v0")
    assert [json.loads(line)["step"] for line in (folder / "train.jsonl").read_text().splitlines()] == [0]
    assert set(pd.read_parquet(folder / "selection.parquet")["step"]) == {0, 1}
    # Finite they are, however large: the ones that the step without a loss was computed with.
    weights = load_file(folder / "model/model.safetensors")
    assert 1e29 < weights["classifier.weight"].abs().max() < float("inf")


def test_a_seed_that_did_not_diverge_says_so(work):
    assert train(work, recipe="v0").code == 0
    assert provenance(work)["diverged"] is None


def test_re_ranking_measuring_and_embedding_what_diverged(work, monkeypatch):
    diverge(work)
    recipe = "v4-top-16"  # the one that a figure shows
    assert train(work, recipe=recipe).code == 0
    for verb in ("rerank", "evaluate", "embed"):
        ended = sirbench(work, verb, *CELL, *NAMES[:3], recipe, *NAMES[4:])
        assert ended.code == 0, ended.output
    monkeypatch.chdir(work)
    files = Cell("small", "bm25", "bert", recipe, 1)
    assert files.diverged == NOT_A_NUMBER
    assert gzip.decompress(files.run.read_bytes()) == b""
    assert yaml.safe_load(files.run_metadata.read_text()) == {
        "tag": "v4-top-16-seed1",
        "diverged": NOT_A_NUMBER,
    }
    (head,) = files.per_query.read_text().splitlines()
    assert head.split(",")[:2] == ["query_id", "RR@100"]
    with pytest.raises(InputError, match=r"per_query\.csv: .*, or of a model that diverged"):
        read_per_query(files.per_query)
    embedded = pd.read_parquet(files.embeddings)
    assert embedded.empty and {"query_id", "moment", "score", "embedding", "trained"} <= set(embedded)
    assert files.middle.is_dir() and not files.checkpoint.exists()


def test_weights_that_are_no_numbers_are_refused_before_the_first_step(work):
    """No training makes such a model, as it ends before: somebody else has."""
    backbone = work / "results/small/backbones/bert"
    model = load_model(backbone, seed=1)
    torch.nn.init.constant_(model.classifier.weight, float("nan"))
    model.save_pretrained(backbone)
    manifest_of(backbone).unlink()
    ended = train(work, recipe="v0")
    assert ended.code == 2 and "Traceback" not in ended.output
    assert (
        "backbones/bert: damaged weights: classifier.weight has numbers that are not finite" in ended.output
    )


def test_the_last_step_is_looked_at_though_no_loss_follows_it(work):
    diverge(work, checkpoint_every=100)
    path = work / "config/studies/small.yaml"
    study = yaml.safe_load(path.read_text())
    study["collection"]["train_queries"] = 9
    study["training"] |= {"blocks_per_step": 9, "epochs": 1}
    path.write_text(yaml.safe_dump(study))
    assert train(work, recipe="v0").code == 0
    assert provenance(work)["diverged"] == "after step 0 the model's scores are not finite numbers"


BLOWS = [
    Blow("torch.optim.AdamW.step", 1),
    Blow("sirbench.fine_tuning.task.block_gradient", 2),
    Blow("sirbench.training.loop.save_checkpoint", 1, "before"),
    Blow("sirbench.training.loop.save_checkpoint", 1),
    Blow("sirbench.training.ending.write_provenance", 1, "before"),
]


@pytest.mark.parametrize("blow", BLOWS, ids=str)
def test_killed_and_started_again_it_has_diverged_all_the_same(blow, work, tmp_path):
    diverge(work)
    other = shutil.copytree(work, tmp_path / "other")
    assert train(other, recipe="v0").code == 0
    assert train(work, recipe="v0", blow=blow).code == -signal.SIGKILL
    ended = train(work, recipe="v0")
    assert ended.code == 0 and f"diverged: {NOT_A_NUMBER}" in ended.output
    assert provenance(work)["diverged"] == NOT_A_NUMBER
    assert results(cell(work, recipe="v0")) == results(cell(other, recipe="v0"))


def test_what_has_diverged_is_not_trained_again_by_a_retry(work):
    """As when re-ranking fails on a cluster, where Snakemake deletes all that the job has made."""
    diverge(work)
    assert train(work, recipe="v0").code == 0
    expected = results(cell(work, recipe="v0"))
    for name in ("model", *RECORD, "provenance.json"):
        path = cell(work, recipe="v0") / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ended = train(work, recipe="v0", blow=Blow("sirbench.fine_tuning.task.block_gradient", 1, "before"))
    assert ended.code == 0, ended.output
    assert results(cell(work, recipe="v0")) == expected
    assert provenance(work)["diverged"] == NOT_A_NUMBER


def test_with_another_learning_rate_it_starts_anew(work):
    diverge(work)
    assert train(work, recipe="v0").code == 0
    write_study(work)
    assert train(work, recipe="v0").code == 0
    assert provenance(work)["diverged"] is None
    assert (cell(work, recipe="v0") / "train.jsonl").read_text().count("\n") == 6


NORM = "bert.encoder.layer.0.output.LayerNorm"


def collapse(folder, weights, **training):
    """Set these weights of backbone `bert` to 0, and train so slowly that they stay there."""
    write_study(folder, learning_rate=1e-12, **training)
    backbone = folder / "results/small/backbones/bert"
    model = load_model(backbone, seed=1)
    torch.nn.init.zeros_(model.get_parameter(weights))
    torch.nn.init.ones_(model.get_parameter(f"{NORM}.bias"))
    model.save_pretrained(backbone)
    manifest_of(backbone).unlink()


@pytest.mark.parametrize("weights", ["classifier.weight", f"{NORM}.weight"])
def test_a_collapsed_model_has_diverged(weights, work):
    """Without the norm's weights every pair has the same state; dropout alone keeps their scores apart."""
    collapse(work, weights)
    assert train(work, recipe="v4-top-8").code == 0
    assert provenance(work, "v4-top-8")["diverged"] == (
        "after step 3 every document of a query has the same score: the model has collapsed to a constant"
    )
    assert (cell(work) / "model/model.safetensors").exists()


def test_a_collapsed_model_stays_collapsed_when_the_job_is_resumed(work):
    """After one look at it, two steps in; the next comes after four, and a guard that forgot would wait."""
    collapse(work, f"{NORM}.weight")
    blow = Blow("sirbench.training.record.StepLog.write", 4, "before")
    assert train(work, blow=blow).code == -signal.SIGKILL
    ended = train(work)
    assert "resuming after 2 steps" in ended.output
    assert provenance(work, "v4-top-8")["diverged"].startswith("after step 3 every document of a query")


def test_a_model_that_has_collapsed_at_the_end_has_diverged(work):
    """Although no checkpoint came before."""
    collapse(work, f"{NORM}.weight", checkpoint_every=100)
    for _ in range(2):
        assert train(work).code == 0
        assert provenance(work, "v4-top-8")["diverged"].startswith("after step 5 every document of a query")


def level(folder, recipe, number):
    """A compressor of a recipe of study `small`, in seed 1."""
    config = load("small", folder / "config")
    name = compressors(config.recipes[recipe], config.study)[number].name
    return Compressor("small", "bm25", "bert", name, 1)


@pytest.mark.parametrize("recipe", ["v1-top-16", "v2-top-16"])
def test_what_builds_on_a_compressor_that_diverged_has_diverged_by_its_name(recipe, work, monkeypatch):
    first, second = (level(work, recipe, number) for number in (0, 1))
    monkeypatch.chdir(work)
    diverge(work)
    for compressor in (first, second):
        names = ("--backbone", "bert", "--seed", "1", "--level", compressor.level)
        ended = sirbench(work, "train-level", *CELL, *names)
        assert ended.code == 0 and f"WARNING: {compressor.name}: diverged: " in ended.output, ended.output
        assert gzip.decompress(compressor.scored.read_bytes()) == b"" and not compressor.checkpoint.exists()
    assert first.diverged == NOT_A_NUMBER
    inherited = f"its compressor {first.name} diverged: {NOT_A_NUMBER}"
    assert second.diverged == inherited
    # Nor is anything of another attempt taken for its record.
    of_cell = Cell("small", "bm25", "bert", recipe, 1)
    of_cell.checkpoint.mkdir(parents=True)
    (of_cell.checkpoint / "train.jsonl").write_text('{"step": 0, "loss": 1.0}\n')
    ended = train(work, recipe=recipe, blow=Blow("sirbench.fine_tuning.task.block_gradient", 1, "before"))
    assert ended.code == 0, ended.output
    assert of_cell.diverged == inherited
    assert of_cell.step_log.read_text() == "" and pd.read_parquet(of_cell.selection).empty
    assert not (of_cell.model / "model.safetensors").exists() and of_cell.middle.is_dir()


def test_a_first_stage_that_diverges_is_an_error_however_often_it_is_started(work):
    """Nothing sensible can follow from it."""
    spec = {**FIRST_STAGE_SPEC, "training": FIRST_STAGE_SPEC["training"] | {"learning_rate": 1e30}}
    spec["training"] |= {"gradient_clip": None}
    content = STUDY | {"candidates": STUDY["candidates"] | {"hdct": spec}}
    (work / "config/studies/small.yaml").write_text(yaml.safe_dump(content))
    for _ in range(2):
        ended = sirbench(work, "train-first-stage", "--study", "small", "--candidates", "hdct")
        assert ended.code == 3, ended.output
        assert (
            "error: first stage hdct: at step 1 the loss is nan" in ended.output
            and "seed" not in ended.output
        )
    assert "Traceback" not in ended.output
