"""A million short documents through BM25, token store and blocks: peak memory and time of each stage.

    python -m benchmarks.scale [--documents 1000000]

Each stage runs in a process of its own (`python -m benchmarks.scale FOLDER STAGE`), as a job of the workflow
does; its peak is the highest resident set that the kernel saw, Python and libraries included. The documents
are synthetic, drawn as they are read: 20 to 80 words of 200,000, whose frequencies fall as 1 / rank (Zipf).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from sirbench.data.documents import Document
from sirbench.data.runs import read_run, write_run
from sirbench.fine_tuning.blocks import draw_block, training_queries
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator

DOCUMENTS = 1_000_000
QUERIES = 1000
WORDS = 200_000
SHORTEST, LONGEST = 20, 80
"""Words of a document."""
AT_ONCE = 10_000
"""Documents drawn at once."""
DEPTH = 100
BLOCK = 88
GOAL = 6.0
"""Gigabytes that no stage may exceed."""


def vocabulary() -> np.ndarray:
    """The words, most frequent first: syllables, so that WordPiece has something to learn."""
    syllables = [c + v + e for c in "bdfgklmnprstvz" for v in "aeiou" for e in ("", "n", "r", "s")]
    draw = random_generator("scale", "words")
    drawn = draw.integers(len(syllables), size=(2 * WORDS, 4))
    words = ("".join(syllables[number] for number in row) for row in drawn)
    return np.array(list(islice(dict.fromkeys(words), WORDS)))


def documents(count: int) -> Iterator[Document]:
    """`count` documents, the same every time, in memory only while they are read."""
    words = vocabulary()
    heights = np.cumsum(1 / np.arange(1, WORDS + 1))
    for start in range(0, count, AT_ONCE):
        draw = random_generator("scale", "documents", start)
        lengths = draw.integers(SHORTEST, LONGEST, min(AT_ONCE, count - start), endpoint=True)
        drawn = words[np.searchsorted(heights, draw.random(lengths.sum()) * heights[-1])]
        for number, text in enumerate(np.split(drawn, np.cumsum(lengths)[:-1]), start):
            yield Document(f"D{number}", " ".join(text))


def queries(count: int) -> tuple[dict[str, str], pd.DataFrame]:
    """Queries of five words of a document each, spread over the collection, and their judgements."""
    step = max(1, count // QUERIES)
    sources = [document for number, document in enumerate(documents(count)) if number % step == 0][:QUERIES]
    texts = {f"q{document.doc_id}": " ".join(document.text.split()[3:8]) for document in sources}
    qrels = pd.DataFrame({"query_id": list(texts), "doc_id": [it.doc_id for it in sources], "relevance": 1})
    return texts, qrels


def read(folder: Path, count: int) -> None:
    """Draw the documents, and nothing else: what the other stages spend on it, too."""
    for _ in documents(count):
        pass


def bm25(folder: Path, count: int) -> None:
    """Index all documents, retrieve for all queries, write the run."""
    from sirbench.firststage.bm25 import BM25

    found = BM25().retrieve(documents(count), queries(count)[0], depth=DEPTH)
    write_run(found, folder / "bm25.trec.gz", tag="bm25")


def tokens(folder: Path, count: int) -> None:
    """Learn a vocabulary of 8,000 pieces from the first documents, and tokenise all of them with it."""
    from sirbench.backbones import tiny
    from sirbench.backbones.checkpoint import load_tokenizer
    from sirbench.data.tokens import build_token_store
    from sirbench.study import TinyBackbone

    def some() -> Iterator[str]:
        return (document.text for document in documents(min(count, 20_000)))

    (folder / "backbone").mkdir(exist_ok=True)
    tiny.make(TinyBackbone(source="tiny", layers=1, hidden=16, heads=2), folder / "backbone", some)
    tokenizer, of_queries = load_tokenizer(folder / "backbone"), queries(count)[0].items()
    build_token_store(
        folder / "tokens", tokenizer, documents(count), of_queries, max_tokens=128, max_query_tokens=32
    )


def blocks(folder: Path, count: int) -> None:
    """Join queries, judgements and the run, and draw two epochs of blocks, as tokens."""
    from sirbench.data.tokens import TokenStore

    store = TokenStore(folder / "tokens")
    texts, qrels = queries(count)
    trained = training_queries(list(texts), qrels, read_run(folder / "bm25.trec.gz", DEPTH), store)
    for epoch in range(2):
        for query in trained:
            block = draw_block(query, BLOCK, seed=1, epoch=epoch)
            store.pairs(block.documents * 0 + block.query, block.documents)


STAGES: Mapping[str, Callable[[Path, int], None]] = {
    "read": read,
    "bm25": bm25,
    "tokens": tokens,
    "blocks": blocks,
}


def measure(stage: str, folder: Path, count: int) -> dict[str, float]:
    """Seconds (by the clock, and of processor time) and peak gigabytes of a stage in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--documents", str(count), str(folder), stage]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def peak_gigabytes() -> float:
    """The most memory that this process has had resident; ru_maxrss would count its parent's, before exec."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(line for line in status if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024 / 1e9


def main() -> None:
    """Run all stages and print a table; or one stage, in this process, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("folder", nargs="?", type=Path, help="where results of stages are put")
    parser.add_argument("stage", nargs="?", choices=STAGES)
    options = parser.parse_args()
    if sys.platform != "linux":
        raise InputError("benchmark scale: only Linux tells a process its peak memory in /proc")
    if options.stage:
        started = time.perf_counter()
        STAGES[options.stage](options.folder, options.documents)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime}
        print(json.dumps(spent | {"gigabytes": peak_gigabytes()}))
        return
    print(f"{options.documents:,} documents, {QUERIES:,} queries\n")
    print(f"| stage | seconds | of processor time | peak memory, GB (goal: at most {GOAL:g}) |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="sirbench-scale-") as folder:
        for stage in STAGES:
            took = measure(stage, Path(folder), options.documents)
            times = f"{took['seconds']:.0f} | {took['cpu_seconds']:.0f}"
            print(f"| {stage} | {times} | {took['gigabytes']:.2f} |", flush=True)
        size = sum(path.stat().st_size for path in (Path(folder) / "tokens").iterdir())
        print(f"\ntoken store: {size / 1e6:,.0f} MB on disk")


if __name__ == "__main__":
    main()
