"""How many documents carry a level's gradient: against numbers worked out by hand and in plain Python."""

import json
from math import exp, log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sirbench.fine_tuning.concentration import carrying, concentration, effective, watch
from sirbench.strategies.levels.blocks import Blocks
from sirbench.strategies.v0 import V0
from sirbench.strategies.v3 import V3
from tests.training.jobs import CELL, cell, sirbench, train

KEYS = ("effective_documents", "documents_with_99_percent")


@pytest.mark.parametrize(
    ("parts", "documents", "most"),
    [
        ([3, 3, 3, 3], 4, 4),
        ([0, 7, 0, 0], 1, 1),
        ([0, 0, 0, 0], 0, 0),
        ([2, 1, 1, 0], 2 * sqrt(2), 3),
        ([90, 9, 1, 0], (0.9**-0.9) * (0.09**-0.09) * (0.01**-0.01), 2),
        ([9, 90, 0.5, 0.5], None, 2),
    ],
    ids=str,
)
def test_by_hand(parts, documents, most):
    parts = torch.tensor([parts, [1, 1, 0, 0]], dtype=torch.float32)
    if documents is not None:
        assert effective(parts).tolist() == pytest.approx([documents, 2])
    assert carrying(parts, 0.99).tolist() == [most, 2]


@given(st.lists(st.floats(0.015625, 1000, width=32), min_size=1, max_size=20), st.floats(0.1, 0.9))
def test_in_plain_python(parts, share):
    shares = [part / sum(parts) for part in parts]
    found = torch.tensor([parts])
    assert float(effective(found)) == pytest.approx(exp(-sum(p * log(p) for p in shares)), rel=1e-4)
    number = int(carrying(found, share))
    largest = sorted(shares, reverse=True)
    assert sum(largest[:number]) > share - 1e-5 and sum(largest[: number - 1]) < share + 1e-5


def scored(strategy, mask, scores):
    """The levels of a step on blocks whose documents have these scores, after its backward pass."""
    weights = torch.tensor(scores, requires_grad=True)

    def score(positions, mask, *, gradient):
        return weights.gather(1, positions) * mask

    outcome = strategy.step(Blocks(torch.tensor(mask), torch.zeros(weights.shape)), score)
    watch(outcome.levels)
    outcome.loss.sum().backward()
    return concentration(outcome.levels)


def test_the_gradient_is_that_of_the_loss_by_the_scores():
    """Of cross entropy it is P, less 1 for the positive; padding has no part in it."""
    probabilities = np.exp([1.0, 2.0, 0.5])
    parts = probabilities / probabilities.sum() - [1, 0, 0]
    expected = effective(torch.tensor(abs(parts))[None])
    levels = scored(
        V0(levels=[4], loss="cross-entropy"),
        [[True, True, True, False], [True, False, False, False]],
        [[1.0, 2.0, 0.5, 9.0], [1.0, 2.0, 3.0, 4.0]],
    )
    # A positive alone has no loss.
    assert levels.tolist() == [[pytest.approx(float(expected)), 3]]


def test_a_level_without_a_loss_has_no_documents():
    levels = scored(V3(levels=[4, 3, 2]), [[True] * 4], [[1.0, 2.0, 0.5, 0.1]])
    assert levels[0].min() > 1 and levels[2].tolist() == [2, 2]
    assert levels[1].tolist() == [0, 0]


def log_of(folder):
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def test_the_step_log_has_them_for_every_level(work):
    assert train(work, recipe="v4-top-8").code == 0
    for line in log_of(cell(work)):
        for level, size in enumerate([6, 4, 3, 2], start=1):
            documents, most = (line[f"{key}_{level}"] for key in KEYS)
            assert 1 < documents <= most + 1e-4 and most <= size


def test_the_one_level_of_a_compressor_keeps_its_number(work, monkeypatch):
    monkeypatch.chdir(work)
    from sirbench.config import load
    from sirbench.jobs.job import compressors

    config = load("small")
    for job in compressors(config.recipes["v1-top-16"], config.study):
        ended = sirbench(work, "train-level", *CELL, "--backbone", "bert", "--seed", "1", "--level", job.name)
        assert ended.code == 0, ended.output
    (folder,) = work.glob("results/small/levels/bm25/bert/level2-*/seed1")
    assert {name for name in log_of(folder)[0] if name.startswith(KEYS)} == {f"{key}_2" for key in KEYS}
