"""What a training job computes: gradients, the selection trace, failures, and levels of V1 and V2."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from sirbench.backbones.checkpoint import load_model
from sirbench.config import load
from sirbench.data import collections
from sirbench.data.runs import read_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.blocks import draw_block, training_queries
from sirbench.fine_tuning.task import FineTuning, block_gradient
from sirbench.jobs.folders import Cell, Compressor
from sirbench.jobs.job import compressors
from sirbench.jobs.layout import Layout
from sirbench.steps import training
from sirbench.strategies.v0 import V0
from sirbench.strategies.v3 import V3
from sirbench.strategies.v4 import V4
from sirbench.training.loop import train as train_task
from tests.training.jobs import CELL, cell, sirbench, train

LEVELS = [6, 4, 3, 2]


@pytest.fixture
def inside(prepared, monkeypatch):
    """Be in the prepared folder, and only read there."""
    monkeypatch.chdir(prepared)


def read_queries(backbone="still"):
    layout = Layout("small")
    store = TokenStore(layout.tokens(backbone))
    ids = list(collections.load_queries(layout.queries("train")))
    qrels = collections.load_qrels(layout.qrels("train"))
    candidates = read_run(layout.candidates("bm25", "train"), 12)
    return training_queries(ids, qrels, candidates, store), store


@pytest.mark.parametrize("gradient", ["kept", "cached"])
@pytest.mark.parametrize(
    "strategy", [V0(levels=LEVELS[:1]), V3(levels=LEVELS), V4(levels=LEVELS)], ids=lambda it: it.strategy
)
def test_a_step_s_gradient_is_the_mean_over_its_blocks(strategy, gradient, inside):
    queries, store = read_queries()
    model = load_model(Layout("small").backbone("still"), seed=1).train()
    task = SimpleNamespace(
        queries=queries,
        encoder=CrossEncoder(model, store, chunk_tokens=256),
        strategy=strategy,
        seed=1,
        gradient=gradient,
    )

    def gradients(chosen):
        model.zero_grad()
        outcome, blocks = block_gradient(task, step=3, epoch=0, chosen=np.array(chosen))
        assert [query_id for query_id, _ in blocks] == [queries[i].id for i in chosen]
        return outcome.loss.detach(), [parameter.grad.clone() for parameter in model.parameters()]

    loss, together = gradients([5, 2, 7, 0])
    apart = [gradients([i]) for i in (5, 2, 7, 0)]
    torch.testing.assert_close(loss, torch.cat([one for one, _ in apart]))
    for number, whole in enumerate(together):
        mean = torch.stack([parts[number] for _, parts in apart]).mean(dim=0)
        torch.testing.assert_close(whole, mean, atol=1e-6, rtol=1e-4)


def test_the_trace_says_what_each_level_kept(work, monkeypatch):
    """The first step again, with the model's own forward and a sort of Python's."""
    ended = train(work, backbone="still")
    assert ended.code == 0, ended.output
    kept = pd.read_parquet(cell(work, "still") / "selection.parquet")
    monkeypatch.chdir(work)
    queries, store = read_queries()
    model = load_model(Layout("small").backbone("still"), seed=1).eval()
    candidates = read_run(Layout("small").candidates("bm25", "train"), 12)
    by_id = {query.id: query for query in queries}
    first = kept[kept["step"] == 0]
    assert set(first["level"]) == {1, 2, 3, 4} and len(first) == 16
    for query_id, levels in first.groupby("query_id"):
        block = draw_block(by_id[query_id], 6, seed=1, epoch=0)
        ids = [store.documents.ids[row] for row in block.documents[1:]]
        rows = block.documents[1:]
        pairs = store.pairs(np.full_like(rows, block.query), rows)._asdict()
        with torch.no_grad():
            scores = (
                model(**{name: torch.tensor(value) for name, value in pairs.items()}).logits[:, 0].tolist()
            )
        in_order = candidates[candidates["query_id"] == query_id]["doc_id"].tolist()
        ranks = [in_order.index(one) + 1 for one in ids]
        hardest = [rank for _, rank in sorted(zip(scores, ranks, strict=True), reverse=True)]
        by_level = dict(zip(levels["level"], levels["ranks"].map(list), strict=True))
        assert by_level == {1: ranks, 2: hardest[:3], 3: hardest[:2], 4: hardest[:1]}


def test_the_log_has_a_line_per_step(work):
    assert train(work, recipe="v0").code == 0
    lines = [json.loads(line) for line in (cell(work, recipe="v0") / "train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2, 3, 4, 5]
    assert [line["epoch"] for line in lines] == [0, 0, 0, 1, 1, 1]
    # Warm-up over 0.6 of 6 steps, then falling to 0: transformers' schedule from the peak on.
    rates = [line["learning_rate"] for line in lines]
    assert rates[1:] == pytest.approx([1e-3 * (6 - step) / 5.4 for step in range(1, 6)])
    # Twice the pairwise logistic loss of two documents that score nearly alike.
    assert lines[0]["loss"] == pytest.approx(2 * np.log(2), abs=0.05)
    assert all(line["gradient_norm"] > 0 for line in lines)


def test_a_familys_learning_rate_is_what_its_recipes_train_with(work):
    study = work / "config/studies/small.yaml"
    study.write_text(f"{study.read_text()}learning_rates: {{v0: 4.0e-3}}\n")
    assert train(work, recipe="v0").code == 0
    lines = [json.loads(line) for line in (cell(work, recipe="v0") / "train.jsonl").read_text().splitlines()]
    rates = [line["learning_rate"] for line in lines]
    assert rates[1:] == pytest.approx([4e-3 * (6 - step) / 5.4 for step in range(1, 6)])
    made = json.loads((cell(work, recipe="v0") / "provenance.json").read_text())
    assert (made["job"]["learning_rate"], made["training"]["learning_rate"]) == (4e-3, 4e-3)


def test_the_model_that_is_written_is_the_one_that_was_trained(work):
    assert train(work, recipe="v0").code == 0
    folder = cell(work, recipe="v0") / "model"
    trained = AutoModelForSequenceClassification.from_pretrained(folder)
    start = load_model(work / "results/small/backbones/bert", seed=1)
    moved = [
        float((new - old).detach().abs().max())
        for new, old in zip(trained.parameters(), start.parameters(), strict=True)
    ]
    # Adam moves a weight by at most about the learning rate in each of the 6 steps.
    assert 1e-3 < max(moved) < 6e-3
    assert AutoTokenizer.from_pretrained(folder)("array")["input_ids"]


def test_looking_for_a_collapse_changes_nothing(inside, tmp_path):
    """No random state and no mode of the model, so that checkpoints may be as many as one likes."""
    queries, store = read_queries("bert")
    model = load_model(Layout("small").backbone("bert"), seed=1).train()
    task = FineTuning(
        **{"name": "cell", "model": model, "encoder": CrossEncoder(model, store), "queries": queries},
        **{"strategy": V0(levels=[2]), "settings": None, "epochs": 1, "seed": 1},
        **{"folder": tmp_path, "fingerprint": ""},
    )
    before = torch.get_rng_state()
    assert task.look_at_scores() == "differ"
    assert torch.equal(torch.get_rng_state(), before)
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_time_that_a_compressor_scores_is_a_part_of_what_it_took(work, monkeypatch):
    monkeypatch.chdir(work)
    config = load("small")
    name = compressors(config.recipes["v1-top-16"], config.study)[0].name
    monkeypatch.setattr(training, "train", lambda task: train_task(task)._replace(seconds=1000.0))
    compressor = Compressor("small", "bm25", "bert", name, 1)
    training.train_level(config, compressor)
    assert 1000 < json.loads(compressor.provenance.read_text())["seconds"] < 1060


def test_a_compressor_scores_all_that_it_was_trained_on(work, monkeypatch):
    monkeypatch.chdir(work)
    config = load("small")
    first, second = compressors(config.recipes["v1-top-16"], config.study)[:2]
    names = ("--backbone", "bert", "--seed", "1")
    for level in (first, second):
        ended = sirbench(work, "train-level", *CELL, *names, "--level", level.name)
        assert ended.code == 0, ended.output
    before, after = (Compressor("small", "bm25", "bert", level.name, 1) for level in (first, second))
    scored, kept = read_run(before.scored), pd.read_parquet(before.selection)
    queries, store = read_queries("bert")
    for query in queries:
        block = draw_block(query, 6, seed=1, epoch=0)
        negatives = set(store.documents.ids[block.documents[1:]])
        assert set(scored[scored["query_id"] == query.id]["doc_id"]) == negatives
        # A fixed set: the same documents in both epochs.
        for ranks in kept[kept["query_id"] == query.id]["ranks"]:
            assert sorted(ranks) == block.ranks[1:].tolist()
    assert set(kept["level"]) == {1} and set(kept["epoch"]) == {0, 1}
    # The second level's set is the first one's three hardest.
    chosen = pd.read_parquet(after.selection)
    for query in queries:
        hardest = scored[scored["query_id"] == query.id]["doc_id"][:3]
        ranks = {
            int(query.ranks[list(query.negatives).index(row)]) for row in store.documents.rows(list(hardest))
        }
        for found in chosen[chosen["query_id"] == query.id]["ranks"]:
            assert set(found) == ranks


@pytest.mark.parametrize("strategy", ["v1", "v2"])
def test_with_redrawn_blocks_every_level_sees_what_the_levels_before_keep_of_the_epochs_block(
    strategy, work, monkeypatch
):
    """Levels 6, 4 and 3, worked out again from the runs of the compressors, by sorts of Python's."""
    monkeypatch.chdir(work)
    config = load("small")
    recipe = f"{strategy}-top-16-redrawn"
    made = [
        Compressor("small", "bm25", "bert", job.name, 1)
        for job in compressors(config.recipes[recipe], config.study)
    ]
    for compressor in made:
        training.train_level(config, compressor)
    classifier = Cell("small", "bm25", "bert", recipe, 1)
    training.train_cell(config, classifier)
    read = json.loads(classifier.provenance.read_text())["inputs"]
    assert {"negatives", "negatives of level 1"} <= read.keys()
    queries, store = read_queries("bert")
    by_id = {query.id: query for query in queries}
    runs = [read_run(compressor.scored).set_index(["query_id", "doc_id"])["score"] for compressor in made]
    for query in queries:
        assert all(set(run[query.id].index) == set(store.documents.ids[query.negatives]) for run in runs)
    for number, folder in enumerate([*made, classifier]):
        kept = pd.read_parquet(folder.selection)
        assert set(kept["epoch"]) == {0, 1} and len(kept) == 2 * len(queries)
        seen = set()
        for line in kept.itertuples():
            block = draw_block(by_id[line.query_id], 6, seed=1, epoch=line.epoch)
            ids = dict(zip(block.ranks[1:].tolist(), store.documents.ids[block.documents[1:]], strict=True))
            ranks = sorted(ids)
            for run, size in zip(runs[:number], (4, 3), strict=False):
                scores = run[line.query_id]
                ranks = sorted(ranks, key=lambda rank: (-scores[ids[rank]], rank))[: size - 1]
            assert list(line.ranks) == ranks
            seen.add((line.query_id, frozenset(ranks)))
        assert len(seen) > 1.5 * len(queries)  # most queries have other documents in the second epoch
