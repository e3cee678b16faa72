"""Malformed files that verbs read: records in JSON, checkpoints, runs, judgements, archives, dumps."""

import bz2
import gzip
import json
import lzma
import os
import random
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sirbench.backbones import make_backbone
from sirbench.backbones.checkpoint import check_checkpoint
from sirbench.backbones.corpora.wikipedia import pages
from sirbench.data.collections import load_qrels, load_queries
from sirbench.data.given_runs import read_given_run
from sirbench.data.runs import read_run
from sirbench.data.tokens import TokenStore
from sirbench.evaluation.measures import read_per_query
from sirbench.jobs.cost import sizes_of
from sirbench.jobs.layout import Layout
from sirbench.machine.provenance import read_provenance
from sirbench.study import Collection, Corpus, TinyBackbone
from sirbench.study.yaml_file import read_mapping
from tests.faults.case import Case, Expected

HUGE = 10**400
DIGITS = "9" * 5000
DEEP = "[" * 100_000

Make = Callable[[Path], None]
Read = Callable[[Path], Any]


def cases() -> Iterator[Case]:
    """Every case."""
    yield from _configurations()
    yield from _tokenizers()
    yield from _records()
    yield from _runs()
    yield from _archives()
    yield from _dumps()
    yield from _what_is_no_file()


# --- checkpoints ---------------------------------------------------------------------------------


@lru_cache
def backbone() -> Path:
    """A checkpoint of the smallest size, made once."""
    folder = Path(tempfile.mkdtemp(prefix="sirbench-faults-")) / "bert"
    spec = TinyBackbone(source="tiny", layers=1, hidden=16, heads=2, vocabulary=120)
    make_backbone(spec, folder, lambda: ["left right array axis matrix tensor index shape"] * 9)
    return folder


def _checkpoint_with(name: str, text: str | bytes | None = None, **values: Any) -> Make:
    def make(folder: Path) -> None:
        shutil.copytree(backbone(), folder / "bert", ignore=shutil.ignore_patterns(".manifest"))
        path = folder / "bert" / name
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        else:
            path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return make


def _read_checkpoint(folder: Path) -> None:
    check_checkpoint(folder / "bert")


ABSURD: dict[str, tuple[Any, ...]] = {
    "vocab_size": (None, -1, 0, 10**12, HUGE, "many", 1.5, [3], {}),
    "hidden_size": (None, -16, 0, 3, 10**9, HUGE, {}, "16"),
    "num_hidden_layers": (None, -1, 10**9, HUGE, "two", [], 1.5),
    "num_attention_heads": (None, 0, -2, 10**9, 3, "two", []),
    "intermediate_size": (None, 0, -1, 10**10, HUGE, "64"),
    "max_position_embeddings": (None, 0, -5, 10**11, HUGE, "512"),
    "type_vocab_size": (None, 0, -1, 10**10, "2"),
    "hidden_act": (None, "nonsense", 5, [], {}),
    "hidden_dropout_prob": (None, -1, 5, "0.1", []),
    "attention_probs_dropout_prob": (None, -1, 5, "0.1", []),
    "layer_norm_eps": (None, "small", -1e9, []),
    "initializer_range": ("wide", -1.0, []),
    "model_type": (None, 5, ["bert"], {}, "nonsense", "", "gpt2"),
    "pad_token_id": (10**9, -(10**9), "pad", []),
    "auto_map": ({"AutoModel": "a.B"}, "x", ["a"]),
    "quantization_config": ({"quant_method": "own"},),
}
OTHER_JSON = ("", "null", "[]", "5", '"x"', "{", '{"a": NaN}', '{"a": ' + DIGITS + "}", DEEP, '{"a": ' * 9999)


def _configurations() -> Iterator[Case]:
    kind = "config.json"
    yield Case(kind, "nothing is wrong", _checkpoint_with(kind), _read_checkpoint, "read")
    for key, values in ABSURD.items():
        for value in values:
            make = _checkpoint_with(kind, **{key: value})
            yield Case(kind, f"{key}: {value!r}"[:60], make, _read_checkpoint)
    for text in (*OTHER_JSON, "\x00" * 50, b"\xff\xfe", "{}"):
        yield Case(kind, repr(text[:30]), _checkpoint_with(kind, text), _read_checkpoint)


def _tokenizers() -> Iterator[Case]:
    kind = "tokenizer.json"
    content = json.loads((backbone() / kind).read_text())
    optional = ("truncation", "padding", "normalizer", "pre_tokenizer", "decoder", "added_tokens", "version")
    for key in content:
        for value in (None, 5, "x", [], {}, [[]], {"type": "nonsense"}):
            expected: Expected = "refused or whole" if key in optional else "refused"
            if key == "post_processor" and value is None:
                continue  # a tokenizer without special tokens is one
            make = _checkpoint_with(kind, **{key: value})
            yield Case(kind, f"{key}: {value!r}", make, _read_checkpoint, expected)
    for key in ("vocab", "unk_token", "type", "max_input_chars_per_word", "continuing_subword_prefix"):
        for value in (None, -1, [], {}, {"a": -1}, {"a": 2**40}):
            model = content["model"] | {key: value}
            harmless = key == "vocab" or (key, value) == ("max_input_chars_per_word", None)
            make = _checkpoint_with(kind, model=model)
            expected = "refused or whole" if harmless and value is None else "refused"
            yield Case(kind, f"model.{key}: {value!r}", make, _read_checkpoint, expected)
    for text in (*OTHER_JSON, "\x00" * 50, b"\xff\xfe", "{}"):
        for name in (kind, "tokenizer_config.json"):
            harmless = name != kind and text == "{}"
            make = _checkpoint_with(name, text)
            expected = "refused or whole" if harmless else "refused"
            yield Case(name, repr(text[:30]), make, _read_checkpoint, expected)
    weights = (backbone() / "model.safetensors").read_bytes()
    for name, damaged in _damaged(weights[:3000], seed=1, flips=10):
        make = _checkpoint_with("model.safetensors", damaged)
        yield Case("model.safetensors", name, make, _read_checkpoint)


# --- records -------------------------------------------------------------------------------------

RECORD = {"documents": 30, "train": {"queries": 8}, "dev": {"queries": 6}}
PROVENANCE = {
    **{"study_sha256": "0", "inputs": {"a": "b"}, "device": "cpu", "seconds": 1.5, "gpu_seconds": 0.0},
    **{
        "workers": 1,
        "machine": {"commit": None, "dirty": None, "python": "3.11", "versions": {"torch": "2"}},
    },
}
TEMPLATE = {
    "dtype": "uint16",
    "template": {
        **{"before": [2], "between": [3], "after": [3], "query_type": 0, "document_type": 1, "padding": 0},
        "max_tokens": 40,
    },
}
WRONG_NUMBERS = (None, -1, HUGE, "5", 1.5, True, [], {}, [1])


def _read_sizes(folder: Path) -> Any:
    spec = SimpleNamespace(collection=Collection(train="a", dev="b"))
    with chdir(folder):
        return sizes_of(SimpleNamespace(name="s", study=spec))


def _in(path: Path, text: str | bytes) -> Make:
    def make(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text if isinstance(text, bytes) else text.encode())

    return make


def _records() -> Iterator[Case]:
    where = Layout("s").collection
    yield Case("collection.json", "nothing is wrong", _in(where, json.dumps(RECORD)), _read_sizes, "read")
    for text in (*OTHER_JSON, "{}"):
        yield Case("collection.json", repr(text[:30]), _in(where, text), _read_sizes)
    for value in WRONG_NUMBERS:
        for changed in (
            RECORD | {"documents": value},
            RECORD | {"train": {"queries": value}},
            RECORD | {"dev": value if value != {} else {"queries": None}},
        ):
            make = _in(where, json.dumps(changed))
            yield Case("collection.json", f"{changed}"[:90], make, _read_sizes)

    def read(folder: Path) -> Any:
        return read_provenance(folder / "provenance.json", ("inputs", "seconds", "machine"))

    path = Path("provenance.json")
    yield Case("provenance.json", "nothing is wrong", _in(path, json.dumps(PROVENANCE)), read, "read")
    for text in (*OTHER_JSON, "{}"):
        yield Case("provenance.json", repr(text[:30]), _in(path, text), read)
    for key in ("seconds", "gpu_seconds", "workers"):
        for value in (None, -1, "5", [], {}, True):
            make = _in(path, json.dumps(PROVENANCE | {key: value}))
            yield Case("provenance.json", f"{key}: {value!r}", make, read)
    for key in ("inputs", "machine", "device", "study_sha256"):
        for value in (None, 5, [], [1], True, 1.5):
            make = _in(path, json.dumps(PROVENANCE | {key: value}))
            yield Case("provenance.json", f"{key}: {value!r}", make, read)
    for key, values in {
        **{"versions": (None, [], {"a": 1}, "x"), "python": (None, 5, []), "dirty": ("yes", 5, [])},
        **{"commit": (5, [], {}), "cores": ("2", [], 1.5), "memory_gb": (None, "x", [])},
    }.items():
        for value in values:
            make = _in(path, json.dumps(PROVENANCE | {"machine": PROVENANCE["machine"] | {key: value}}))
            yield Case("provenance.json", f"machine.{key}: {value!r}", make, read)
    for key in TEMPLATE:
        for value in (None, 5, "nonsense", [], {}, {"before": None}):
            make = _in(Path("template.json"), json.dumps(TEMPLATE | {key: value}))
            yield Case("token store", f"{key}: {value!r}", make, TokenStore)


# --- runs, judgements, measures ------------------------------------------------------------------

NO_NUMBERS = (
    *("1_0", "x", "", "0x10", "１０", "nan", "inf", "-inf", "1e999", "1,5", "--1", "1e", DIGITS + "x"),
    *("None", "True", "1 0"),
)


def _runs() -> Iterator[Case]:
    def trec(folder: Path) -> Any:
        return read_run(folder / "a.trec").to_dict("list")

    def given(format: str) -> Read:
        return lambda folder: read_given_run(folder / "a.trec", format, depth=100).to_dict("list")

    def text(*lines: str) -> Make:
        return _in(Path("a.trec"), "".join(f"{line}\n" for line in lines))

    first = "q1 Q0 d1 1 2.5 tag"
    for reader_name, read in (("run", trec), ("given run: trec", given("trec"))):
        yield Case(reader_name, "nothing is wrong", text(first, "q1 Q0 d2 2 1e-3 tag"), read, "read")
        for number in NO_NUMBERS:
            yield Case(reader_name, f"score {number[:20]!r}", text(first, f"q1 Q0 d2 2 {number} tag"), read)
        for line in ("q1 Q0 d2 2 1.0", "q1 Q0 d2 2 1.0 tag more", "q1", "q1 Q0 d1 2 1.0 tag", "q1\td2\t1.0"):
            yield Case(reader_name, repr(line), text(first, line), read)
        for content in (
            b"",
            b"\n\n",
            b"\x00" * 40,
            b"\xff\xfe\xfd",
            first.encode() + b"\n\x00\x00\n",
            bytes(range(256)),
        ):
            yield Case(reader_name, repr(content[:20]), _in(Path("a.trec"), content), read)
    read = given("ranks")
    yield Case("given run: ranks", "nothing is wrong", text("q d1 1", "q d2 2", "r d1 1"), read, "read")
    for number in (*NO_NUMBERS, "0", "-1", "+2", "1.5", "2.0", DIGITS, "9" * 30, "1e1"):
        yield Case("given run: ranks", f"rank {number[:20]!r}", text("q d1 1", f"q d2 {number}"), read)
    for lines in (("q d1 1", "q d2 1"), ("q d1 1", "r d1 1", "q d2 1"), ("q d1 1", "q d1 2"), ("q d1",), ()):
        yield Case("given run: ranks", f"{lines}", text(*lines), read)
    for lines in (("q\ttext\td1", "q\ttext\td1"), ("q\ttext",), ("\ttext\td1",), ("q text d1",), ()):
        yield Case("given run: texts", f"{lines}", text(*lines), given("texts"))

    def qrels(folder: Path) -> Any:
        return load_qrels(folder / "a.trec").to_dict("list")

    yield Case("qrels", "nothing is wrong", text("q 0 d 1", "q 0 e -1"), qrels, "read")
    for number in (*NO_NUMBERS, "+1", "1.0", DIGITS, "9" * 30):
        yield Case("qrels", f"relevance {number[:20]!r}", text("q 0 d 1", f"q 0 e {number}"), qrels)
    for line in ("q 0 d", "q 0 d 1 1", "q", "\x00"):
        yield Case("qrels", repr(line), text(line), qrels)
    for lines in (("q",), ("q\t",), ("\ttext",), ("q\ttext", "q\tother"), (), ("q text",)):
        yield Case("queries", f"{lines}", text(*lines), lambda folder: load_queries(folder / "a.trec"))

    def measured(folder: Path) -> Any:
        return read_per_query(folder / "a.trec").to_dict("list")

    whole = ("query_id,RR@10", "q1,0.5", "q2,1.0", "mean,0.75")
    for name, lines in {
        **{
            "no lines": (),
            "a head alone": whole[:1],
            "no means": whole[:3],
            "other means": (*whole[:3], "mean,1"),
        },
        **{"a query less": (*whole[:2], whole[3]), "a column less": (*whole[:2], "q2", whole[3])},
        **{
            "a word": (*whole[:2], "q2,x", whole[3]),
            "no head": whole[1:],
            "NaN": (*whole[:2], "q2,nan", whole[3]),
        },
        **{"a column more": (*whole[:2], "q2,1,1", whole[3]), "infinite": (*whole[:2], "q2,inf", "mean,inf")},
    }.items():
        yield Case("per_query.csv", name, text(*lines), measured)
    yield Case("per_query.csv", "rubbish", _in(Path("a.trec"), bytes(range(256))), measured)


# --- archives and dumps --------------------------------------------------------------------------

LINES = "".join(f"q{i // 10} d{i} {i % 10 + 1}\n" for i in range(400))


def _damaged(content: bytes, seed: int, flips: int) -> Iterator[tuple[str, bytes]]:
    """Cut at ten places, a bit flipped at so many others, zeros in the middle."""
    draw = random.Random(seed)
    for tenth in range(10):
        yield f"cut to {tenth} tenths", content[: len(content) * tenth // 10]
    yield "cut by a byte", content[:-1]
    yield (
        "zeros in the middle",
        content[: len(content) // 3] + bytes(len(content) // 3) + content[-(len(content) // 3) :],
    )
    for _ in range(flips):
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        yield f"bit {bit} of byte {place} flipped", bytes(flipped)


def _zipped(method: int) -> bytes:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo("run.tsv"), LINES, compress_type=method)
        file.seek(0)
        return file.read()


def _archives() -> Iterator[Case]:
    formats = {
        "zip": ("a.zip", _zipped(zipfile.ZIP_STORED)),
        "zip, deflated": ("a.zip", _zipped(zipfile.ZIP_DEFLATED)),
        "zip, bzip2": ("a.zip", _zipped(zipfile.ZIP_BZIP2)),
        "zip, LZMA": ("a.zip", _zipped(zipfile.ZIP_LZMA)),
        "gzip": ("a.gz", gzip.compress(LINES.encode(), mtime=0)),
    }
    for number, (kind, (name, content)) in enumerate(formats.items()):

        def read(folder: Path, name: str = name) -> Any:
            return read_given_run(folder / name, "ranks", depth=100).to_dict("list")

        with tempfile.TemporaryDirectory() as folder:
            _in(Path(name), content)(Path(folder))
            whole = read(Path(folder))
        for damage, damaged in _damaged(content, seed=number, flips=25):
            make = _in(Path(name), damaged)
            yield Case(kind, damage, make, read, "refused or whole", whole)
        for other in (bz2.compress(LINES.encode()), lzma.compress(LINES.encode()), LINES.encode()):
            yield Case(kind, f"other content {other[:6]!r}", _in(Path(name), other), read)


DUMP = "<mediawiki>{}</mediawiki>".format(
    "".join(
        f"<page><title>T{i}</title><ns>0</ns><revision><text>Some words, {i}.</text></revision></page>"
        for i in range(50)
    )
)


def _dumps() -> Iterator[Case]:
    def read(folder: Path) -> Any:
        corpus = Corpus(source="wikipedia", path=folder / "a.xml.bz2")
        return list(pages(corpus, Collection(train="a", dev="b")))

    content = bz2.compress(DUMP.encode())
    with tempfile.TemporaryDirectory() as folder:
        _in(Path("a.xml.bz2"), content)(Path(folder))
        whole = read(Path(folder))
    for damage, damaged in _damaged(content, seed=9, flips=25):
        make = _in(Path("a.xml.bz2"), damaged)
        yield Case("dump of Wikipedia", damage, make, read, "refused or whole", whole)
    for name, text in {
        "no namespace": DUMP.replace("<ns>0</ns>", ""),
        "another element": "<html></html>" * 2,
        "entities in entities": '<!DOCTYPE m [<!ENTITY a "xxxxxxxxxx">'
        + "".join(
            f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "]><mediawiki><page><ns>0</ns><title>&i;</title></page></mediawiki>",
        "an external entity": '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        "<mediawiki><page><ns>0</ns><title>&a;</title></page></mediawiki>",
        "not closed": DUMP[:-20],
        "Latin-1": DUMP.replace("Some", "Sömé"),
    }.items():
        compressed = bz2.compress(text.encode("latin-1"))
        yield Case("dump of Wikipedia", name, _in(Path("a.xml.bz2"), compressed), read)


# --- what is no file -----------------------------------------------------------------------------


def _what_is_no_file() -> Iterator[Case]:
    readers: dict[str, tuple[str, Read]] = {
        "settings": ("a", lambda folder: read_mapping(folder / "a")),
        "run": ("a", lambda folder: read_run(folder / "a")),
        "given run": ("a", lambda folder: read_given_run(folder / "a", "ranks", 10)),
        "given run, zip": ("a.zip", lambda folder: read_given_run(folder / "a.zip", "ranks", 10)),
        "given run, gzip": ("a.gz", lambda folder: read_given_run(folder / "a.gz", "ranks", 10)),
        "queries": ("a", lambda folder: load_queries(folder / "a")),
        "qrels": ("a", lambda folder: load_qrels(folder / "a")),
        "provenance": ("a", lambda folder: read_provenance(folder / "a")),
        "collection": ("results/s/collection/collection.json", _read_sizes),
        "per_query.csv": ("a", lambda folder: read_per_query(folder / "a")),
        "token store": ("template.json", TokenStore),
        "dump": ("a", lambda folder: list(pages(Corpus(source="wikipedia", path=folder / "a"), None))),
        "config.json": ("bert/config.json", _read_checkpoint),
        "tokenizer.json": ("bert/tokenizer.json", _read_checkpoint),
        "model.safetensors": ("bert/model.safetensors", _read_checkpoint),
    }
    makers: dict[str, Make] = {
        "a folder": lambda path: path.mkdir(),
        "a pipe": lambda path: os.mkfifo(path),
        "a link to itself": lambda path: path.symlink_to(path.name),
        "a link to nothing": lambda path: path.symlink_to("nothing"),
        "a link to a device": lambda path: path.symlink_to("/dev/zero"),
        "a link to a pipe": lambda path: (os.mkfifo(path.parent / "pipe"), path.symlink_to("pipe"))[1],
        "a path through a file": lambda path: None,
    }
    for reader, (name, read) in readers.items():
        for what, place in makers.items():

            def make(folder: Path, name: str = name, place: Make = place, what: str = what) -> None:
                path = folder / name
                if name.startswith("bert/"):
                    shutil.copytree(backbone(), folder / "bert", ignore=shutil.ignore_patterns(".manifest"))
                    path.unlink()
                path.parent.mkdir(parents=True, exist_ok=True)
                if what == "a path through a file" and path.parent != folder:
                    shutil.rmtree(path.parent)
                    path.parent.write_text("a file")
                place(path)

            # A store without its template is none, and in its place there may be anything.
            if (reader, what) != ("collection", "a link to nothing"):
                yield Case(f"no file: {reader}", what, make, read)
