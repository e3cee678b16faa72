"""Do two checkouts make the same bytes? `python -m benchmarks.same_bytes OLD [NEW]`.

Each runs two small studies through Snakemake, with its own code, in a folder of its own; then every file that
they made is compared. Digests in names of folders are left out, as settings may change on purpose; what is
packed is compared unpacked, and parquet files by the values in them. Exit status 1 if anything differs.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
MADE = ("data", "results", "figures")
PARTS = ("Snakefile", "workflow", "sirbench", "config", "published", "slurm", "environment.yml", "plugins")
"""What a workflow needs of a checkout, as far as it is there."""

STUDY = """
title: "same-bytes: something of every kind, from a sliver of PyDocs"
demonstration: true
collection: {train: pydocs-sliver/train, dev: pydocs-sliver/dev, train_queries: 8, dev_queries: 6}
depth: 12
candidates:
  bm25: {first_stage: bm25}
  hdct:
    first_stage: hdct
    backbone: bert
    options: {max_passages: 2}
    training: &training {steps: 4, batch: 4, learning_rate: 1.0e-2, queries: 20}
  star: &dense {first_stage: dense, backbone: mixed, options: {negatives: star, top: 20}, training: *training}
  ance: {<<: *dense, start: star, options: {negatives: ance, top: 20, refresh_every: 2}}
  adore: {<<: *dense, start: star, options: {negatives: adore, top: 20}}
reranked: [bm25, hdct]
backbones:
  bert: &tiny {source: tiny, layers: 1, hidden: 16, heads: 2, vocabulary: 500, dropout: 0.1}
  electra: {<<: *tiny, architecture: electra}
  prop: &pretrained
    source: pretrained
    start: bert
    corpus: {source: collection}
    objectives: {prop: 1, mlm: 1}
    steps: 3
  mixed: {<<: *pretrained, start: electra, objectives: {rtd: 1, ict: 1, wlp: 1, weak: 1}}
group_sizes: {88: 6, 48: 4, 16: 3, 8: 2}
input: {max_tokens: 32, max_query_tokens: 12}
training: {learning_rate: 1.0e-2}   # so large that no two recipes rank alike after these few steps
compute: {gpus: 0, mem_mb: 500, runtime: 5, chunk_tokens: 256, gradient_cache: true, precision: fp32}
"""
BF16 = STUDY.replace("true, precision: fp32", "false, precision: bf16")
STUDIES = {"same-bytes": STUDY, "same-bytes-bf16": BF16}
TARGETS = {
    "same-bytes": "table1 table2 table3 gain cpr firststage figure4 figure5 figure6 space",
    "same-bytes-bf16": "table1",
}
QUICK = {"same-bytes": "table1 firststage figure6"}
BM25_ALONE = ("table2", "table3", "gain", "cpr")
"""Tables that here show one of the two candidates, as every cell takes seconds; table1 shows both."""

KINDS = {
    "collection": "^data/|/collection/",
    "tokens, corpora": "/tokens/|/corpora/",
    "train.jsonl": r"/train\.jsonl$",
    "selection traces": r"/selection\.parquet$",
    "embeddings": r"/embeddings\.parquet$",
    "measures per query": r"/per_query\.csv$",
    "runs of candidates": r"/candidates/.*\.trec\.gz$",
    "runs of cells, levels": r"\.trec\.gz$",
    "backbones": "/backbones/",
    "models: first stages": "/candidates/",
    "models: levels": "/levels/",
    "models: middle": "/middle/",
    "models: cells": "/cells/",
    "tables": "/tables/",
    "figures: numbers": r"^figures/.*\.csv$",
    "figures: pictures": "^figures/",
    "other": "",
}
"""What the paths of each kind of artefact match; a file is of the first kind that fits."""

TIMES = (
    r"/provenance\.json$|/run\.ir_metadata\.yaml$|report\.html$|/logs/|/benchmarks/|/\.snakemake_timestamp$"
)
"""Files that are not compared: they hold times, the commit, the machine."""

OUTCOMES = ("equal", "different", "only in old", "only in new")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both checkouts where that is not done yet, compare, and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_bytes", description=__doc__)
    parser.add_argument("old", metavar="OLD", help="a checkout's folder, or a commit of this repository")
    parser.add_argument("new", metavar="NEW", nargs="?", default=str(ROOT), help="likewise (this checkout)")
    parser.add_argument("--cores", type=int, default=1, help="of Snakemake (1)")
    parser.add_argument("--quick", action="store_true", help=f"NEW makes {QUICK} alone")
    kept = "run is kept here, and reused while code and configuration are the same"
    parser.add_argument("--old-results", type=Path, metavar="FOLDER", help=f"OLD's {kept}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help=f"NEW's {kept}")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="same-bytes-") as temporary:
        old = (options.old_results or Path(temporary, "old")).resolve()
        new = (options.keep or Path(temporary, "new")).resolve()
        make_results(options.old, old, options.cores, TARGETS)
        make_results(options.new, new, options.cores, QUICK if options.quick else TARGETS)
        findings = compare(made_files(old), made_files(new))
    if options.quick:
        findings = [(path, outcome) for path, outcome in findings if outcome != "only in old"]
    print(report(findings))
    return int(not findings or any(outcome != "equal" for _, outcome in findings))


def make_results(checkout: str, results: Path, cores: int, targets: Mapping[str, str]) -> None:
    """Leave a finished run of the checkout in `results`, unless one of the same code is there already."""
    state = results / "same-bytes.state"
    with tempfile.TemporaryDirectory(prefix="same-bytes-") as temporary:
        prepared = Path(temporary, "prepared")
        prepare(unpacked(checkout, Path(temporary, "commit")), prepared)
        run = f"{folder_digest(prepared)} {targets}"
        if state.exists() and state.read_text() == f"finished {run}":
            return
        if results.exists() and any(results.iterdir()):
            sys.exit(f"{results}: not a finished run of {checkout} as it is; name another or delete it")
        shutil.copytree(prepared, results, dirs_exist_ok=True)
    for study, names in targets.items():
        run_workflow(results, study, names, cores)
    state.write_text(f"finished {run}")


def unpacked(checkout: str, folder: Path) -> Path:
    """The folder of a checkout; a commit's files are written to `folder` first."""
    if Path(checkout).is_dir():
        print(f"{checkout}: its commit is", end=" ", flush=True)  # and whether files differ from it
        subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=checkout)
        return Path(checkout)
    subprocess.run(["git", "archive", f"--output={folder}.tar", checkout], cwd=ROOT, check=True)
    shutil.unpack_archive(f"{folder}.tar", folder)
    return folder


def prepare(checkout: Path, folder: Path) -> None:
    """Copy what a workflow needs of a checkout, and add the studies."""
    folder.mkdir()
    for part in (checkout / name for name in PARTS):
        if part.is_dir():
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif part.exists():
            shutil.copy(part, folder)
    # Options of a policy of negatives used to be written beside its name.
    nested = (folder / "sirbench/study/registry.py").exists()
    for name, text in STUDIES.items():
        text = re.sub(r"negatives: (\w+), (.*?)\}", r"negatives: {name: \1, \2}}", text) if nested else text
        (folder / f"config/studies/{name}.yaml").write_text(text)
    for table in (folder / f"config/tables/{name}.yaml" for name in BM25_ALONE):
        table.write_text(table.read_text() + "candidates: [bm25]\n")


def folder_digest(folder: Path) -> str:
    """sha256 of the names and bytes of all files in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256(it.read_bytes()).hexdigest()} {it.relative_to(folder)}" for it in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def run_workflow(folder: Path, study: str, targets: str, cores: int) -> None:
    """Make those targets that there are, in `folder`, with the code that is there; exit if this fails."""
    variables = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    variables["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables.pop("SIRBENCH_DATA", None)
    code = ["python", "-c", "import sirbench; print(sirbench.__path__[0])"]
    used = subprocess.run(code, cwd=folder, env=variables, stdout=subprocess.PIPE, text=True).stdout.strip()
    if used != str(folder / "sirbench"):
        sys.exit(f"{folder}: it would run other code than its own, that in {used!r}")
    there = {path.stem for kind in ("tables", "figures") for path in folder.glob(f"config/{kind}/*.yaml")}
    command = ["snakemake", "--cores", str(cores), "--show-failed-logs"]
    command += [*(name for name in targets.split() if name in there), "--config", f"study={study}"]
    log = folder / f"{study}.log"
    print(f"{folder}: {' '.join(command)} > {log.name}", file=sys.stderr)
    with log.open("w") as file:
        done = subprocess.run(command, cwd=folder, env=variables, stdout=file, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{log.read_text()[-5000:]}\n{study} in {folder}: Snakemake failed")


def made_files(folder: Path) -> dict[str, list[Path]]:
    """What a run made, by path without digests; several files where nothing else tells them apart."""
    made: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for part in MADE for path in (folder / part).rglob("*")):
        name = re.sub(r"-[0-9a-f]{8}(?=/)", "-*", path.relative_to(folder).as_posix())
        if path.is_file() and not re.search(TIMES, name):
            made[name].append(path)
    return dict(made)


def compare(old: Mapping[str, Sequence[Path]], new: Mapping[str, Sequence[Path]]) -> list[tuple[str, str]]:
    """(path, outcome) of each file; files that share a path are paired by their contents, as multisets."""
    findings = []
    for path in sorted({*old, *new}):
        missed, others = [], list(new.get(path, []))
        for file in old.get(path, []):
            twin = next((other for other in others if same(file, other)), None)
            if twin is None:
                missed.append(file)
            else:
                others.remove(twin)
                findings.append((path, "equal"))
        different = min(len(missed), len(others))
        findings += [(path, "different")] * different
        findings += [(path, "only in old")] * (len(missed) - different)
        findings += [(path, "only in new")] * (len(others) - different)
    return findings


def same(old: Path, new: Path) -> bool:
    """Whether two files hold the same: values and types of parquet, what is in .gz, other files' bytes."""
    if old.suffix == ".parquet":
        return pd.read_parquet(old).equals(pd.read_parquet(new))
    if old.suffix == ".gz":  # the tag of a level's run is the name of its folder
        tag = re.compile(rb"( level\d+-\d+)-[0-9a-f]{8}$", re.MULTILINE)
        texts = (gzip.decompress(path.read_bytes()) for path in (old, new))
        return len({tag.sub(rb"\1", text) for text in texts}) == 1
    return old.read_bytes() == new.read_bytes()


def report(findings: Sequence[tuple[str, str]]) -> str:
    """The table of kinds by outcome, what is not compared, and the files that are not equal."""
    counts: Counter[tuple[str, str]] = Counter()
    for path, outcome in findings:
        kind = next(kind for kind, pattern in KINDS.items() if re.search(pattern, path))
        counts.update([(kind, outcome), ("**all**", outcome)])
    lines = [f"| kind of artefact | files compared | {' | '.join(OUTCOMES)} |", "| --- " * 6 + "|"]
    for kind in (*KINDS, "**all**"):
        numbers = [counts[kind, outcome] for outcome in OUTCOMES]
        if any(numbers):
            lines.append(f"| {kind} | {sum(numbers[:2])} | {' | '.join(map(str, numbers))} |")
    lines += ["", f"Not compared, as they hold times, the commit or the machine: {TIMES}"]
    return "\n".join([*lines, *(f"{outcome}: {path}" for path, outcome in findings if outcome != "equal")])


if __name__ == "__main__":
    sys.exit(main())
