"""`python -m benchmarks gpu`, on the CPU: it needs little that is installed, and counts what it says."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from benchmarks.gpu.made import DEPTH, Store, as_text, draw_texts, make_model, operations, tokenizer
from benchmarks.gpu.measuring import Measurement, Row
from benchmarks.gpu.running import markdown
from sirbench.jobs.cost import Encoder
from tests.checkouts import ROOT

LACKING = (
    "ir_datasets ir_measures bm25s Stemmer snakemake typer statsmodels matplotlib pyarrow mwparserfromhell"
)
"""What a machine with torch and transformers may be without."""


def test_the_quick_run_measures_every_side_and_needs_little(tmp_path):
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({LACKING.split()}));"
        f"from benchmarks.__main__ import main; main(['gpu', '--quick', '--output', {str(tmp_path)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "gpu.json").read_text())
    rows = {(row["what"], row["side"]): row for row in content["rows"]}
    ways = [
        f"{forward}, {how}" for forward in ("fresh", "shared") for how in ("kept", "cached", "what fits kept")
    ]
    for side in [("forward", "ours"), ("with gradient", "ours, kept"), ("with gradient", "ours, cached")]:
        assert rows[side]["pairs_per_second"] > 0
    for way in [*ways, "fresh, kept, 2 processes"]:
        row = rows["V4 step", way]
        pairs = 4 * (22 if "shared" in way else 22 + 12 + 4)
        assert row["pairs_per_second"] * row["milliseconds"] / 1000 == pytest.approx(pairs)
        # Under 1 it would be on an idle machine; a share's arithmetic has a test of its own below.
        assert row["share_of_peak"] > 0 and row["gigabytes"] is None
    peer = [side for _, side in rows if "sentence-transformers" in side]
    assert bool(peer) != any("sentence-transformers" in name for name in content["skipped"])
    assert "says nothing of speed" in (tmp_path / "gpu.md").read_text()


def test_words_are_tokens_and_pairs_are_the_tokenizer_s():
    texts = draw_texts(2)
    queries, documents = texts.pairs(120)
    assert queries[99:101].tolist() == [0, 1] and len(texts.documents) == 2 * DEPTH
    words = tokenizer()
    expected = words(
        [as_text(texts.queries[row]) for row in queries],
        [as_text(texts.documents[row]) for row in documents],
        truncation="only_second",
        max_length=64,
        padding=True,
        return_tensors="np",
    )
    made = Store(texts, 64).pairs(queries, documents)
    assert words.unk_token_id not in made.input_ids
    for name, array in made._asdict().items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_operations_are_those_of_the_study_s_cost():
    encoder = Encoder(layers=6, hidden=384, intermediate=1536, vocabulary=30522)
    lengths = np.array([256, 100, 7])
    expected = sum(encoder.forward_operations(int(length)) for length in lengths)
    assert operations(make_model("MiniLM"), lengths) == pytest.approx(expected)


@pytest.fixture
def measurement():
    return Measurement(torch.device("cpu"), quick=True, until=time.monotonic() + 60, peak=1e9)


def test_a_side_is_called_until_its_time_is_over_or_as_often_as_agreed(measurement):
    calls = []

    def side():
        calls.append(time.sleep(0.02))
        return 5

    measurement.measure("model", 8, "forward", "ours", side, operations=1e6)
    assert 3 < len(calls) < 8  # 0.1 s, and one to warm up
    (row,) = measurement.rows
    assert 20 <= row.milliseconds < 60
    assert row.pairs_per_second == pytest.approx(5000 / row.milliseconds)
    assert row.share_of_peak == pytest.approx(row.pairs_per_second * 1e6 / 1e9)
    calls.clear()
    measurement.calls = 3
    measurement.measure("model", 8, "forward", "ours", side, operations=1e6)
    assert len(calls) == 4


def test_what_runs_out_of_memory_is_said_and_what_is_out_of_time_is_skipped(measurement):
    def greedy():
        raise torch.OutOfMemoryError("CUDA out of memory")

    measurement.measure("model", 8, "forward", "ours", greedy, 1)
    assert measurement.rows == [Row("model", 8, "forward", "ours", note="out of memory")]
    measurement.until = 0
    measurement.measure("model", 8, "forward", "theirs", greedy, 1)
    assert measurement.skipped == ["model, 8 tokens, forward: theirs (out of time)"]


def test_the_table_has_every_number_and_what_is_missing():
    rows = [
        Row("BERT-base", 256, "forward", "ours", 1234.4, 56.78, 0.456, 12.345),
        Row("BERT-base", 512, "forward", "ours", note="out of memory"),
    ]
    about = {"device": "NVIDIA H200", "peak_tflops": 788.123, "quick": False}
    lines = markdown(rows, ["a side (out of time)"], about).splitlines()
    assert lines[0] == (
        "Made by `python -m benchmarks gpu`: device NVIDIA H200; bf16 matrix products at 788 TFLOP/s."
    )
    assert lines[4:] == [
        "| BERT-base | 256 | forward | ours | 1234 | 56.8 | 46% | 12.35 |  |",
        "| BERT-base | 512 | forward | ours |  |  |  |  | out of memory |",
        "",
        "* Skipped: a side (out of time)",
    ]
