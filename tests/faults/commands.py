"""Commands with arguments that nobody means, in folders where anything may lie."""

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from sirbench import cli
from sirbench.machine.errors import InputError
from tests.checkouts import ROOT
from tests.faults.case import Case, Expected

CELL = ("--study", "test", "--candidates", "bm25", "--backbone", "bert", "--recipe", "v0")
LONG = "x" * 2000
KIND = "command"


def run(folder: Path, *arguments: str) -> str:
    """What `sirbench ARGUMENTS` prints in the folder; InputError for a message and an exit code."""
    printed, said = io.StringIO(), io.StringIO()
    typed = mock.patch.object(sys, "argv", ["sirbench", *arguments])
    # It would write to this process's own standard error ever after.
    quiet = mock.patch.object(cli, "_prepare_stderr")
    with chdir(folder), redirect_stdout(printed), redirect_stderr(said), typed, quiet:
        try:
            cli.main()
        except SystemExit as ended:
            if ended.code not in (0, None):
                raise InputError(said.getvalue()) from None
    return printed.getvalue()


def cases() -> Iterator[Case]:
    """Every case."""
    yield _case(("check", "--study", "test"), expected="read")
    for study in ("", "../../etc/passwd", "$(touch X)", "\udcff", LONG, "5", "test.yaml"):
        for verb in ("check", "cost", "downloads", "report"):
            yield _case((verb, "--study", study))
    for seed in ("1_0", "-1", "1.0", "9" * 30, "9" * 5000, "x", "", "１"):
        for verb in ("train", "evaluate"):
            yield _case((verb, *CELL, "--seed", seed))
    for speed in ("nan", "inf", "-1", "0", "1_0x", "x", ""):
        yield _case(("cost", "--study", "test", "--tflops", speed))
        yield _case(("cost", "--study", "test", "--pairs-per-second", speed))
    for verb in ("evaluate", "embed", "rerank"):
        yield _case((verb, *CELL, "--seed", "1"))
    for name in ("../x", "", LONG, "$(touch X)"):
        yield _case(("table", "--study", "test", "--table", name))
        yield _case(("figure", "--study", "test", "--figure", name))
        yield _case(("tokenize-corpus", "--study", "test", "--corpus", name))
        yield _case(("train-level", *CELL[:-2], "--seed", "1", "--level", name))
        yield _case(("pydocs", name))
        yield _case(("candidates", "--study", "test", "--candidates", name))
    yield _case(("table", "--study", "test", "--table", "table3"))
    yield _case(("claims", "--study", "test"))
    yield _case(("schema", "config/README.md"))
    yield _case(("schema", "config/schema/study.json/x"))
    yield _case(("evaluate-candidates", "--study", "test", "--candidates", "bm25"))
    for what, place in PLACES.items():
        beside, itself = Path("config/studies/mine.yaml"), Path("config/studies/test.yaml")
        yield _case(("check", "--study", "test"), f"beside {what}", place, beside, "read")
        yield _case(("check", "--study", "test"), f"is {what}", place, itself)
        yield _case(("check",), f"one is {what}", place, beside)
        yield _case(
            ("check", "--study", "test"), f"a table is {what}", place, Path("config/tables/mine.yaml")
        )
        provenance = Path("results/test/cells/bm25/bert/v0/seed1/provenance.json")
        yield _case(("rerank", *CELL, "--seed", "1"), f"provenance is {what}", place, provenance)
        record = Path("results/test/collection/collection.json")
        yield _case(("cost", "--study", "test"), f"collection.json is {what}", place, record)


PLACES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "empty": lambda path: path.write_text(""),
    "rubbish": lambda path: path.write_bytes(bytes(range(256))),
    "deep": lambda path: path.write_text("[" * 100_000),
}


def _case(
    arguments: tuple[str, ...],
    name: str = "",
    place: Callable[[Path], object] | None = None,
    at: Path | None = None,
    expected: Expected = "refused",
) -> Case:
    def make(folder: Path) -> None:
        shutil.copytree(ROOT / "config", folder / "config")
        if place and at:
            path = folder / at
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            place(path)

    shown = " ".join(argument[:30] for argument in arguments)
    return Case(KIND, f"{shown} {name}", make, lambda folder: run(folder, *arguments), expected)
