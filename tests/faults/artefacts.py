"""Artefacts that were whole when a job handed them on and that something has damaged since."""

import gzip
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.backbones.corpora import Page
from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store
from sirbench.data.collections import load_qrels, load_queries, write_qrels, write_queries
from sirbench.data.frames import read_frame, write_frame
from sirbench.data.runs import read_run, write_run
from sirbench.data.tokens import TokenStore, build_token_store
from sirbench.evaluation.measures import read_per_query, write_per_query
from sirbench.machine.manifest import recorded_folder
from tests.faults import files
from tests.faults.case import Case

Read = Callable[[Path], object]


class Artefact(NamedTuple):
    """Something that a job hands on."""

    kind: str
    path: str
    """Of the file or the folder, below the folder of all."""
    read: Read
    """How a later job begins to read it."""
    file: str = ""
    """The file of the folder that is damaged."""


STORE = ("template.json", "documents.tokens", "documents.ids", "documents.offsets.npy", "queries.tokens")
ARTEFACTS = (
    *(
        Artefact("model", "model", lambda path: load_model(path, seed=1), name)
        for name in ("model.safetensors", "config.json")
    ),
    *(
        Artefact("tokenizer", "model", load_tokenizer, name)
        for name in ("tokenizer.json", "tokenizer_config.json")
    ),
    *(Artefact("token store", "tokens", TokenStore, name) for name in STORE),
    *(
        Artefact("corpus store", "corpus", CorpusStore, name)
        for name in ("words", "pages.npy", "vocabulary.txt")
    ),
    Artefact("queries", "train.queries.tsv", load_queries),
    Artefact("judgements", "train.qrels", load_qrels),
    Artefact("run", "run.trec.gz", read_run),
    Artefact("per-query measures", "per_query.csv", read_per_query),
    Artefact("selection trace", "selection.parquet", read_frame),
)


@lru_cache
def whole(other: bool = False) -> Path:
    """A folder of artefacts as jobs write them; the other one is of another run."""
    folder = Path(tempfile.mkdtemp(prefix="sirbench-faults-"))
    draw = random.Random(other)
    words = ["array", "axis", "matrix", "tensor", "index", "shape"]
    texts = {f"d{i}": " ".join(draw.choices(words, k=5)) for i in range(20)}
    queries = {f"q{i}": " ".join(draw.choices(words, k=3)) for i in range(8)}
    with recorded_folder(folder / "model") as made:
        shutil.copytree(files.backbone(), made, dirs_exist_ok=True)
        if other:
            load_model(files.backbone(), seed=2).save_pretrained(made)
    tokenizer = load_tokenizer(files.backbone())
    build_token_store(
        folder / "tokens", tokenizer, texts.items(), queries.items(), max_tokens=16, max_query_tokens=6
    )
    pages = [Page(name, [f"{text}."]) for name, text in texts.items()]
    build_corpus_store(folder / "corpus", tokenizer, pages)
    write_queries(queries, folder / "train.queries.tsv")
    rows = [(query, document, draw.random()) for query in queries for document in texts]
    run = pd.DataFrame(rows, columns=["query_id", "doc_id", "score"])
    write_run(run, folder / "run.trec.gz", tag="x")
    judged = run.iloc[::20].assign(relevance=1)
    write_qrels(judged, folder / "train.qrels")
    values = {name: [draw.random() for _ in queries] for name in ("RR@10", "AP@20")}
    write_per_query(
        pd.DataFrame(values, index=pd.Index(list(queries), name="query_id")), folder / "per_query.csv"
    )
    write_frame(run, folder / "selection.parquet")
    return folder


def cases() -> Iterator[Case]:
    """Every case."""
    for artefact in ARTEFACTS:
        shown = f"{artefact.path}/{artefact.file}" if artefact.file else artefact.path
        yield Case(artefact.kind, f"{shown} is whole", _copied(artefact), _reading(artefact), "read")
        for name, damage in _damages(artefact):
            make = _copied(artefact, damage)
            yield Case(artefact.kind, f"{shown}: {name}", make, _reading(artefact))


def _reading(artefact: Artefact) -> Callable[[Path], Any]:
    return lambda folder: artefact.read(folder / artefact.path)


def _copied(artefact: Artefact, damage: Callable[[Path], None] = lambda path: None) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        shutil.copytree(whole(), folder, dirs_exist_ok=True)
        damage(folder / artefact.path / artefact.file)

    return make


def _damages(artefact: Artefact) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """What may become of a file: on its way, on the disk, or by somebody's hand."""
    content = (whole() / artefact.path / artefact.file).read_bytes()
    draw = random.Random(f"{artefact.path}/{artefact.file}")
    yield "emptied", lambda path: path.write_bytes(b"") and None
    yield "cut by a byte", lambda path: path.write_bytes(content[:-1]) and None
    half = len(content) // 2
    yield "cut to half", lambda path: path.write_bytes(content[:half]) and None
    yield (
        "zeros at the end",
        lambda path: path.write_bytes(content[:half] + bytes(len(content) - half)) and None,
    )
    for _ in range(3):
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        yield (
            f"bit {bit} of byte {place} flipped",
            lambda path, flipped=bytes(flipped): path.write_bytes(flipped) and None,
        )
    other = (whole(other=True) / artefact.path / artefact.file).read_bytes()
    if other != content:
        yield "that of another run", lambda path: path.write_bytes(other) and None
    if not artefact.file and artefact.path != "selection.parquet":
        yield from _edited(content, packed=artefact.path.endswith(".gz"))


def _edited(content: bytes, packed: bool) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Other lines in a file that is as well-formed as before."""
    lines = (gzip.decompress(content) if packed else content).decode().splitlines(keepends=True)
    first = lines[1].replace("\t", " ").replace(",", " ").split()[0]
    edits = {
        "two lines swapped": [*lines[:1], lines[2], lines[1], *lines[3:]],
        "its last line gone": lines[:-1],
        "a line gone": [*lines[:2], *lines[3:]],
        "a query renamed": [line.replace(first, "qx", 1) for line in lines],
        "a digit changed": [
            *lines[:3],
            lines[3].translate(str.maketrans("123456789", "234567891")),
            *lines[4:],
        ],
    }
    for name, edited in edits.items():
        text = "".join(edited).encode()
        yield name, lambda path, text=text: path.write_bytes(gzip.compress(text) if packed else text) and None
