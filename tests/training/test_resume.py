"""Killing a training job at any moment and starting it again gives the bytes of one that ran through."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from tests.checkouts import ROOT
from tests.training.conftest import write_study
from tests.training.jobs import CELL, Blow, cell, results, sirbench, train

TRACE = "sirbench.fine_tuning.selection_trace.SelectionTrace"
STEPS = 6
"""9 queries, 4 at a step, twice; a checkpoint after every second step."""


@pytest.mark.parametrize(
    "blow",
    [
        Blow("sirbench.training.record.StepLog.write", 1),  # before there is any checkpoint
        Blow("sirbench.fine_tuning.task.block_gradient", 4),
        Blow("torch.optim.AdamW.step", 5),
        Blow(f"{TRACE}.flush", 2),  # the trace is ahead of the checkpoint
        Blow("torch.save", 2),  # written, and not yet in its place
        Blow("sirbench.training.loop.save_checkpoint", 2),
        Blow(f"{TRACE}.finish", 1, "before"),
        Blow("sirbench.steps.training.load_tokenizer", 1, "before"),  # half of the model's folder is written
        Blow("sirbench.training.ending.write_provenance", 1, "before"),
        Blow("sirbench.training.ending.write_provenance", 1),
    ],
    ids=str,
)
def test_killed_and_started_again(blow, work, uninterrupted):
    assert train(work, blow=blow).code == -signal.SIGKILL
    ended = train(work)
    assert ended.code == 0, ended.output
    assert results(cell(work)) == uninterrupted


def test_a_cell_that_loses_its_model_has_it_again_without_a_step(work, uninterrupted):
    """As when re-ranking fails on a cluster, where Snakemake deletes all that the job has made."""
    assert train(work).code == 0
    names = ("model", "train.jsonl", "selection.parquet", "provenance.json")
    for path in (cell(work) / name for name in names):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ended = train(work, blow=Blow("sirbench.fine_tuning.task.block_gradient", 1, "before"))
    assert ended.code == 0 and f"resuming after {STEPS} steps" in ended.output
    assert results(cell(work)) == uninterrupted
    assert all((cell(work) / name).exists() for name in names)


def test_a_measured_cell_has_no_checkpoint(work):
    assert train(work).code == 0
    names = ("--backbone", "bert", "--recipe", "v4-top-8", "--seed", "1")
    for verb, left in (("rerank", True), ("evaluate", False)):
        ended = sirbench(work, verb, *CELL, *names)
        assert ended.code == 0, ended.output
        assert (cell(work) / "checkpoint").exists() == left


def test_killed_again_and_again(work, uninterrupted):
    """Each attempt gets two steps further, to the next checkpoint, and dies in the third."""
    for _ in range(STEPS // 2 - 1):
        assert train(work, blow=Blow("sirbench.training.record.StepLog.write", 3)).code == -signal.SIGKILL
    assert train(work).code == 0
    assert results(cell(work)) == uninterrupted


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop(asked, work, uninterrupted):
    ended = train(work, blow=Blow("sirbench.fine_tuning.task.block_gradient", 3, signal=asked))
    assert ended.code == 75, ended.output
    assert "bm25/bert/v4-top-8/seed1: stopped by a signal after 3 steps; start it again" in ended.output
    assert torch.load(cell(work) / "checkpoint/state.pt", weights_only=True)["progress"][0] == 3
    ended = train(work)
    assert ended.code == 0 and "resuming after 3 steps" in ended.output
    assert results(cell(work)) == uninterrupted


def test_asked_to_stop_in_the_last_step(work, uninterrupted):
    """There is nothing left to resume: the job ends as if it had not been asked."""
    blow = Blow("sirbench.fine_tuning.task.block_gradient", STEPS, signal=signal.SIGTERM)
    assert train(work, blow=blow).code == 0
    assert results(cell(work)) == uninterrupted


def test_the_command_line_stopped_killed_and_finished(work):
    """The same from outside: a real command, and signals at whatever moment they arrive."""
    write_study(work, epochs=10)
    names = ("--backbone", "bert", "--recipe", "v4-top-8", "--seed", "1")
    command = [sys.executable, "-m", "sirbench", "train", *CELL, *names]
    log = cell(work) / "checkpoint/train.jsonl"

    def hit(number, lines):
        """Start training and send it a signal when its log has so many lines."""
        variables = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=work, env=variables, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not (log.exists() and log.read_text().count("\n") >= lines):
            time.sleep(0.01)
        process.send_signal(number)
        return process.communicate()[1], process.returncode

    output, code = hit(signal.SIGTERM, lines=2)
    assert code == 75 and "start it again to resume" in output, output
    output, code = hit(signal.SIGKILL, lines=9)
    assert code == -signal.SIGKILL, output
    assert train(work).code == 0
    resumed = results(cell(work))
    shutil.rmtree(cell(work))
    assert train(work).code == 0
    assert resumed == results(cell(work))


def test_the_same_seed_gives_the_same_bytes_and_another_others(work, uninterrupted):
    assert train(work).code == train(work, seed=2).code == 0
    assert results(cell(work)) == uninterrupted
    other = results(cell(work, seed=2))
    assert all(other[name] != uninterrupted[name] for name in uninterrupted)


def test_a_checkpoint_of_other_settings_is_not_resumed(work):
    assert train(work, blow=Blow("sirbench.training.record.StepLog.write", 5)).code == -signal.SIGKILL
    write_study(work, learning_rate=2e-3)
    ended = train(work)
    assert ended.code == 0
    assert re.search(
        r"WARNING: \S*state\.pt: of other settings or inputs; training starts anew", ended.output
    )
    resumed = results(cell(work))
    shutil.rmtree(cell(work))
    assert train(work).code == 0
    assert resumed == results(cell(work))


@pytest.mark.parametrize(
    ("changed", "resumed"),
    [
        ({"chunk_tokens": 128}, False),
        ({"precision": "bf16"}, False),
        ({"gpus": 1}, False),
        ({"mem_mb": 9000, "runtime": 90}, True),
    ],
    ids=str,
)
def test_a_job_that_computes_otherwise_starts_anew(changed, resumed, work):
    """Half of it would be trained with one arithmetic and other masks of dropout than the other half."""
    assert train(work, blow=Blow("sirbench.training.record.StepLog.write", 5)).code == -signal.SIGKILL
    write_study(work, compute=changed)
    ended = train(work)
    assert ended.code == 0, ended.output
    assert ("resuming after 4 steps" in ended.output) == resumed
    assert ("of other settings or inputs; training starts anew" in ended.output) != resumed


@pytest.mark.parametrize("gradient_cache", [True, False])
def test_which_activations_are_kept_changes_nothing(gradient_cache, work, uninterrupted):
    """Otherwise, what else a machine does would decide over a result: see `gradient_cache: auto`."""
    write_study(work, compute={"gradient_cache": gradient_cache})
    assert train(work).code == 0
    assert results(cell(work)) == uninterrupted


def test_how_often_checkpoints_are_written_changes_nothing(work, uninterrupted):
    """Also where the trace of steps 3 and 4 is on disk, and will not be written to the same file again."""
    assert train(work, blow=Blow(f"{TRACE}.flush", 2)).code == -signal.SIGKILL
    write_study(work, checkpoint_every=3)
    ended = train(work)
    assert "resuming after 2 steps" in ended.output
    assert results(cell(work)) == uninterrupted


@pytest.fixture(scope="module")
def halfway(prepared, tmp_path_factory):
    """A working folder in which training was killed after four steps, with checkpoints of two and of four."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("halfway") / "work")
    assert train(folder, blow=Blow("sirbench.training.loop.save_checkpoint", 2)).code == -signal.SIGKILL
    return folder


def flip(path):
    """One bit, of the weights if they are a checkpoint's."""
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    path.write_bytes(content)


def end_in_zeros(path):
    """As a lost write leaves it: as long as it was."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3] + bytes(len(content) - len(content) // 3))


DAMAGES = {
    "a bit": flip,
    "empty": lambda path: path.write_bytes(b""),
    "three quarters": lambda path: path.write_bytes(path.read_bytes()[: 3 * path.stat().st_size // 4]),
    "all but a byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "zeros at the end": end_in_zeros,
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_where_the_checkpoint_is_damaged_the_one_before_serves(damage, halfway, uninterrupted, tmp_path):
    work = shutil.copytree(halfway, tmp_path / "work")
    damage(cell(work) / "checkpoint/state.pt")
    ended = train(work)
    assert ended.code == 0 and "state-before.pt: resuming after 2 steps" in ended.output, ended.output
    said = re.search(r"WARNING: \S*state\.pt: damaged \(.*\); the one before serves", ended.output)
    assert bool(said) == (damage is not DAMAGES["missing"])
    assert results(cell(work)) == uninterrupted


def test_where_both_checkpoints_are_damaged_training_starts_anew(halfway, uninterrupted, tmp_path):
    work = shutil.copytree(halfway, tmp_path / "work")
    for name in ("state.pt", "state-before.pt"):
        flip(cell(work) / "checkpoint" / name)
    ended = train(work)
    assert ended.code == 0 and "resuming" not in ended.output
    for name in ("state", "state-before"):
        assert re.search(rf"WARNING: \S*/{name}\.pt: damaged \(.*\); training starts anew", ended.output)
    assert results(cell(work)) == uninterrupted


RECORDS = {
    "train.jsonl": {name: name in ("a bit", "three quarters", "all but a byte") for name in DAMAGES},
    "trace-000000004.parquet": {"a bit": True, "three quarters": True},
    "trace-000000002.parquet": {"a bit": False, "missing": False},
}
"""Whether the older checkpoint, of two steps, serves: it needs neither the second part of the trace nor the
last two lines of the log, which are about its second half."""


@pytest.mark.parametrize(
    ("record", "damage"), [(record, name) for record in RECORDS for name in RECORDS[record]]
)
def test_a_checkpoint_whose_records_are_damaged_does_not_serve(
    record, damage, halfway, uninterrupted, tmp_path
):
    """A record of another training than the model's, or a traceback at every retry, is what came of it."""
    work = shutil.copytree(halfway, tmp_path / "work")
    DAMAGES[damage](cell(work) / "checkpoint" / record)
    ended = train(work)
    assert ended.code == 0 and "Traceback" not in ended.output, ended.output
    assert f"damaged ({record} is not as it was when this was written)" in ended.output
    resumed = re.search(r"resuming after (\d) steps", ended.output)
    assert (resumed and resumed[1]) == ("2" if RECORDS[record][damage] else None)
    assert results(cell(work)) == uninterrupted


@pytest.mark.parametrize("beyond", [b"\x00" * 500, b'{"step": 4, "lo', b"\xff\xfe\n\xff"], ids=repr)
def test_what_is_beyond_the_checkpoint_in_the_log_may_be_anything(beyond, halfway, uninterrupted, tmp_path):
    work = shutil.copytree(halfway, tmp_path / "work")
    with (cell(work) / "checkpoint/train.jsonl").open("ab") as log:
        log.write(beyond)
    ended = train(work)
    assert ended.code == 0 and "resuming after 4 steps" in ended.output, ended.output
    assert results(cell(work)) == uninterrupted


def test_killed_between_the_names_of_two_checkpoints(work, uninterrupted):
    """The one before has its name already, and the new one not yet."""
    (work / "config/figures/quality.yaml").unlink()  # it would keep the middle, which has a name of its own
    # Of the log, the trace and the state of two steps, the trace of four, and then this.
    assert train(work, blow=Blow("pathlib.Path.replace", 5)).code == -signal.SIGKILL
    assert [path.name for path in sorted((cell(work) / "checkpoint").glob("state*"))] == ["state-before.pt"]
    ended = train(work)
    assert ended.code == 0 and "state-before.pt: resuming after 2 steps" in ended.output
    assert results(cell(work)) == uninterrupted


def test_in_bf16_dropout_is_a_function_of_seed_and_step_too(work):
    """Its masks are the suite's own, and its weights are cast anew."""
    write_study(work, compute={"precision": "bf16"})
    assert train(work).code == 0
    expected = results(cell(work))
    shutil.rmtree(cell(work))
    assert train(work, blow=Blow("torch.optim.AdamW.step", 4)).code == -signal.SIGKILL
    assert train(work).code == 0
    assert results(cell(work)) == expected
