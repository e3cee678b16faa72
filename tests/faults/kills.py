"""Real small jobs, killed at random instants and started again, against the bytes of one that ran through."""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.checkouts import ROOT
from tests.training import jobs
from tests.training.conftest import STUDY

SLOWEST = 300
"""Seconds that a job of a second may take on a busy machine before it counts as a hang."""
INTERRUPTED = 75
CELL = ("--study", "small", "--candidates", "bm25", "--backbone", "bert")
V4 = (*CELL, "--recipe", "v4-top-8", "--seed", "1")
ROOM = Path("results/small")
CELLS = ROOM / "cells/bm25/bert/v4-top-8/seed1"
PRETRAINED = {
    **{"source": "pretrained", "start": "bert", "objectives": {"prop": 1, "mlm": 0.5}},
    **{"corpus": {"source": "collection"}, "batch": 2, "negatives": 2, "steps": 5},
    "training": {"checkpoint_every": 2, "learning_rate": 1e-3},
}
DENSE = {
    **{"first_stage": "dense", "backbone": "bert", "options": {"negatives": "random"}},
    "training": {"steps": 6, "batch": 2, "checkpoint_every": 2, "learning_rate": 1e-3},
}


@dataclass
class Job:
    """A verb, and what it makes: files and folders that must be the same bytes whatever has happened."""

    arguments: tuple[str, ...]
    makes: tuple[Path, ...]
    removes: tuple[Path, ...] = ()
    """What else is removed for it to begin anew."""
    seconds: float = 0.0
    """Of one that nothing disturbs."""
    whole: dict[str, bytes] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it is called in the table."""
        return self.arguments[0]

    def made(self) -> dict[str, bytes]:
        """What is there of it, hidden files and provenance apart, which has times in it."""
        found = [file for path in self.makes for file in ([path] if path.is_file() else path.rglob("[!.]*"))]
        return {str(file): file.read_bytes() for file in found if file.is_file()}

    def forget(self) -> None:
        """Remove all that it makes, manifests included: Snakemake would."""
        for path in (*self.makes, *self.removes):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def of_training(folder: Path, model: Path | None = None, *more: str) -> tuple[Path, ...]:
    """What a training makes that is the same in each run."""
    return (model or folder / "model", folder / "train.jsonl", *(folder / name for name in more))


def all_jobs(level: str, corpus: str) -> list[Job]:
    """One of each kind, in an order in which each finds what it reads."""
    compressor = ROOM / f"levels/bm25/bert/{level}/seed1"
    pretraining, learned = ROOM / "pretraining/prop", ROOM / "candidates/dense/learned"
    named = ("--study", "small")
    return [
        Job(("collection", *named), (ROOM / "collection",)),
        Job(("candidates", *named, "--candidates", "bm25"), (ROOM / "candidates/bm25",)),
        Job(("backbone", *named, "--backbone", "bert"), (ROOM / "backbones/bert",)),
        Job(("tokenize", *named, "--backbone", "bert"), (ROOM / "tokens/bert",)),
        Job(("tokenize-corpus", *named, "--corpus", corpus), (ROOM / f"corpora/{corpus}",)),
        Job(
            ("train-level", *CELL, "--level", level, "--seed", "1"),
            of_training(compressor, None, "scored.trec.gz", "selection.parquet"),
            (compressor,),
        ),
        Job(
            ("pretrain-backbone", *named, "--backbone", "prop"),
            of_training(pretraining, ROOM / "backbones/prop"),
            (pretraining,),
        ),
        Job(
            ("train-first-stage", *named, "--candidates", "dense"),
            of_training(learned),
            (learned,),
        ),
        Job(("train", *V4), of_training(CELLS, None, "selection.parquet"), (CELLS,)),
        Job(("rerank", *V4), (CELLS / "run.trec.gz",)),
        Job(("evaluate", *V4), (CELLS / "per_query.csv",)),
    ]


def prepare(folder: Path) -> list[Job]:
    """A study in a folder, each job of which has run once, undisturbed; the jobs with what they made."""
    from sirbench.config import load
    from sirbench.data import pydocs
    from sirbench.jobs.job import compressors
    from sirbench.jobs.pretraining import corpus_name

    os.environ.setdefault("SIRBENCH_DATA", str(folder / "data"))
    if not (built := pydocs.data_home() / "pydocs-sliver").exists():
        pydocs.build("pydocs-sliver", built)
    shutil.copytree(ROOT / "config", folder / "config")
    study = STUDY | {
        "backbones": {"bert": STUDY["backbones"]["bert"], "prop": PRETRAINED},
        "candidates": STUDY["candidates"] | {"dense": DENSE},
    }
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    config = load("small", folder / "config")
    first = compressors(config.recipes["v1-top-16"], config.study)[0]
    made = all_jobs(first.name, corpus_name(config.study, "prop"))
    with chdir(folder):
        for job in made:
            started = time.monotonic()
            ended = jobs.sirbench(folder, *job.arguments, limit=SLOWEST)
            assert ended.code == 0, (job.arguments, ended.output)
            job.seconds, job.whole = time.monotonic() - started, job.made()
    return made


@dataclass
class Chain:
    """A job that was killed some times, started again after each, and came to its end, or did not."""

    kind: str
    signals: list[int]
    """Those that hit."""
    verdict: str
    """`as expected`, or `lost`, `traceback`, `hang`, `left` (something lies about), with what was said."""


def chain(folder: Path, job: Job, draw: random.Random) -> Chain:
    """Kill a job up to three times at random instants, let it end, and compare."""
    job.forget()
    hit: list[int] = []
    for _ in range(draw.randint(1, 3)):
        number = draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        after = draw.uniform(0, 1.1 * job.seconds)
        ended = jobs.sirbench(folder, *job.arguments, kill=jobs.Kill(number, after), limit=SLOWEST)
        if "Traceback" in ended.output:
            return Chain(job.kind, hit, f"traceback: {ended.output[-300:]}")
        if ended.code == 0:
            break
        if ended.code not in (-number, INTERRUPTED):
            return Chain(job.kind, hit, f"lost: exit code {ended.code}: {ended.output[-300:]}")
        hit.append(number)
    ended = jobs.sirbench(folder, *job.arguments, limit=SLOWEST)
    return Chain(job.kind, hit, _verdict(job, ended, folder))


def _verdict(job: Job, ended: jobs.Ended, folder: Path) -> str:
    if "Traceback" in ended.output:
        return f"traceback: {ended.output[-300:]}"
    made = job.made()
    if ended.code or made.keys() != job.whole.keys():
        return f"lost: exit code {ended.code}, {sorted(made)}: {ended.output[-300:]}"
    if other := [name for name in made if made[name] != job.whole[name]]:
        return f"lost: other bytes in {', '.join(other)}"
    left = [path for path in folder.rglob(".*") if path.name.startswith((".tmp-", ".old-", ".lease"))]
    return f"left: {left[0]}" if left else "as expected"


def campaign(until: Callable[[int], bool], seed: int) -> Iterator[Chain]:
    """Chains of all kinds of jobs in turn, for as long as `until` (of kills so far) is false."""
    draw, kills = random.Random(seed), 0
    with tempfile.TemporaryDirectory(prefix="sirbench-kills-") as name:
        folder = Path(name)
        made = prepare(folder)
        with chdir(folder):
            while True:
                for job in made:
                    if until(kills):
                        return
                    try:
                        done = chain(folder, job, draw)
                    except jobs.Hang:
                        done = Chain(job.kind, [], "hang")
                    kills += len(done.signals)
                    yield done
