"""Training jobs as processes of their own, which a test can have killed at a chosen moment.

They are forked from a server that has imported torch already: a start then takes a blink, not seconds.
"""

import json
import multiprocessing
import os
import signal
import sys
from itertools import count
from multiprocessing.context import ForkServerContext
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

CELL = ("--study", "small", "--candidates", "bm25")


class Blow(NamedTuple):
    """A signal that a process sends itself before or after the n-th call of a function."""

    function: str
    call: int
    when: str = "after"
    signal: int = signal.SIGKILL


class Hang(Exception):
    """A job runs for ever."""


class Kill(NamedTuple):
    """A signal from outside, some time after the start."""

    signal: int
    after: float
    """Seconds."""


class Ended(NamedTuple):
    """How a process ended: its exit code (negative: the signal) and what it printed."""

    code: int
    output: str


def sirbench(
    folder: Path, *arguments: str, blow: Blow | None = None, kill: Kill | None = None, limit: float = 60
) -> Ended:
    """Run `sirbench ARGUMENTS` in a folder, to its end, the blow or the kill; `Hang` beyond the limit."""
    log = folder / "output.log"
    log.unlink(missing_ok=True)
    process = _context().Process(target=_run, args=(folder, log, arguments, blow))
    process.start()
    if kill:
        process.join(kill.after)
        if process.is_alive():
            os.kill(process.pid, kill.signal)
    process.join(limit)
    if process.exitcode is None:
        process.kill()
        raise Hang(f"still running after {limit} seconds")
    return Ended(process.exitcode, log.read_text() if log.exists() else "")


def in_new_process(*calls: tuple) -> None:
    """Make calls (function, arguments ...) at the same time, each in a process of its own."""
    processes = [_context().Process(target=function, args=arguments) for function, *arguments in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(calls)


def train(
    folder: Path,
    *,
    backbone: str = "bert",
    recipe: str = "v4-top-8",
    seed: int = 1,
    blow: Blow | None = None,
) -> Ended:
    """Train a cell of study `small`."""
    cell = ("--backbone", backbone, "--recipe", recipe, "--seed", str(seed))
    return sirbench(folder, "train", *CELL, *cell, blow=blow)


def cell(folder: Path, backbone: str = "bert", recipe: str = "v4-top-8", seed: int = 1) -> Path:
    """The folder of a cell of study `small`."""
    return folder / "results/small/cells/bm25" / backbone / recipe / f"seed{seed}"


def results(folder: Path) -> dict[str, bytes]:
    """What must be the same bytes whatever has happened on the way: the model and its record."""
    names = ("model/model.safetensors", "train.jsonl", "selection.parquet")
    return {name: (folder / name).read_bytes() for name in names}


def assert_trained_alike(one: Path, two: Path) -> None:
    """Two workers (folder `two`) have trained the model that one (folder `one`) has, dropout being 0."""
    alone, shared = (load_file(path / "model/model.safetensors") for path in (one, two))
    assert alone.keys() == shared.keys()
    for name in alone:
        # Softmax cancels these: their gradients are 0 but for rounding, of which Adam makes whole steps.
        if not name.endswith(("key.bias", "classifier.bias")):
            torch.testing.assert_close(
                shared[name], alone[name], atol=1e-6, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
            )
    pd.testing.assert_frame_equal(*(pd.read_parquet(path / "selection.parquet") for path in (one, two)))
    logs = [
        [json.loads(line) for line in (path / "train.jsonl").read_text().splitlines()] for path in (one, two)
    ]
    for first, second in zip(*logs, strict=True):
        assert second == pytest.approx(first, rel=1e-4)
    assert json.loads((two / "provenance.json").read_text())["workers"] == 2


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    steps = [
        "sirbench.cli",
        "sirbench.steps.training",
        "sirbench.steps.pretraining",
        "sirbench.steps.first_stage",
        "sirbench.firststage.dual_encoder.training",
    ]
    context.set_forkserver_preload([*steps, "pyarrow.parquet", "transformers.models.bert.modeling_bert"])
    return context


def _run(folder: Path, log: Path, arguments: tuple[str, ...], blow: Blow | None) -> None:
    from sirbench.cli import main

    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # The server's sys.stderr is not its file descriptor 2 when pytest started it.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    sys.argv = ["sirbench", *arguments]
    if blow:
        _prepare(blow)
    main()


def _prepare(blow: Blow) -> None:
    owner_name, _, name = blow.function.rpartition(".")
    owner = resolve_name(owner_name)
    function, calls = getattr(owner, name), count(1)

    def wrapped(*arguments, **options):
        hit = next(calls) == blow.call
        if hit and blow.when == "before":
            os.kill(os.getpid(), blow.signal)
        result = function(*arguments, **options)
        if hit and blow.when == "after":
            os.kill(os.getpid(), blow.signal)
        return result

    setattr(owner, name, wrapped)
