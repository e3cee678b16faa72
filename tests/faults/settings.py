"""Malformed files of config/: every key with every kind of wrong value, and what is hardly YAML."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from sirbench import config
from sirbench.reporting.figures import KINDS
from sirbench.strategies import STRATEGIES
from sirbench.study import Claims, Study, Table, reading
from tests.faults.case import Case, Expected

STUDY = {
    "title": "a study",
    "demonstration": True,
    "comparable": False,
    "collection": {"train": "a/train", "dev": "a/dev", "train_queries": 8, "dev_queries": 6},
    "candidates": {
        "bm25": {"first_stage": "bm25", "options": {"k1": 0.9, "b": 0.4}, "title": "BM25"},
        "dense": {
            "first_stage": "dense",
            "backbone": "bert",
            "options": {"negatives": {"name": "ance", "refresh_every": 30, "per_query": 4, "top": 9}},
            "training": {"steps": 6, "batch": 4, "queries": 20, "seed": 1},
        },
        "given": {
            "train": {
                "path": "a.trec",
                "format": "ranks",
                "url": "https://a.org/a",
                "size": 5,
                "sha256": "0" * 64,
            },
            "dev": "b.trec",
            "source": "somebody",
        },
    },
    "reranked": ["bm25", "dense"],
    "depth": 12,
    "backbones": {
        "bert": {
            **{
                "source": "tiny",
                "architecture": "bert",
                "layers": 1,
                "hidden": 16,
                "heads": 2,
                "dropout": 0.1,
            },
            **{"initialisation": "normal", "vocabulary": 500, "seed": 1},
        },
        "folder": {"source": "folder", "path": "some/folder"},
        "hub": {"source": "hub", "name": "a/b", "revision": "main"},
        "package": {"source": "package", "distribution": "a==1", "path": "a/b", "sha256": "0" * 64},
        "more": {
            **{
                "source": "pretrained",
                "start": "bert",
                "objectives": {"mlm": 1, "prop": 0.5},
                "max_tokens": 30,
            },
            **{
                "options": {"prop": {"poisson": 3}},
                "corpus": {"source": "collection"},
                "max_query_tokens": 9,
            },
            **{"batch": 4, "negatives": 3, "steps": 3, "seed": 1, "training": {"warmup": 0.2}},
        },
        "wiki": {
            **{"source": "pretrained", "start": "bert", "objectives": {"wlp": 1}},
            "corpus": {"source": "wikispeedia", "path": "a"},
        },
    },
    "group_sizes": {88: 6, 48: 4, 16: 3, 8: 2},
    "input": {"max_tokens": 32, "max_query_tokens": 12, "passages": "max", "stride": 8, "max_passages": 3},
    "training": {
        **{
            "learning_rate": 1e-4,
            "adam_betas": [0.9, 0.999],
            "weight_decay": 0.01,
            "warmup": 0.1,
            "epochs": 2,
        },
        **{"gradient_clip": 1.0, "checkpoint_every": 2, "blocks_per_step": 4},
    },
    "compute": {
        **{"gpus": 1, "threads": 1, "mem_mb": 500, "runtime": 5, "precision": "fp32", "chunk_tokens": 1024},
        "gradient_cache": True,
    },
    "seeds": [1, 2],
}
RECIPE = {
    **{"strategy": "v4", "selection": "top", "levels": [88, 48, 16], "cpr": "product", "forward": "fresh"},
    **{
        "description": "some",
        "loss": {"name": "hinge", "margin": 1},
        "blocks": "redrawn",
        "loss_levels": [1, 2],
    },
}
TABLE = {
    **{
        "title": "a table",
        "caption": "what it shows",
        "measures": ["RR@100"],
        "of": "cells",
        "baseline": "v0",
    },
    "rows": [{"label": "a row", "backbone": "bert", "recipe": "v0", "rule_above": True}],
    "candidates": ["bm25"],
}
FIGURE = {
    **{"kind": "space", "title": "a figure", "caption": "what it shows", "width": "page"},
    "space": {
        **{"backbone": "bert", "recipes": ["v0"], "candidates": "bm25", "seed": 1, "train_queries": 1},
        **{"dev_queries": 1, "projection": "pca", "region": "hull"},
    },
}
CLAIMS = {
    **{
        "title": "claims",
        "caption": "whose",
        "measure": "RR@100",
        "candidates": ["bm25"],
        "published": False,
    },
    "claims": {
        "one": {
            "sentence": "a is equal to b",
            "equal": {"backbone": "bert", "recipe": "v0"},
            "than": {"backbone": "bert", "recipe": "v4-top-16"},
            "margin": {"value": 0.01, "unit": "absolute"},
        }
    },
}


def read_study(folder: Path) -> Study:
    study = reading.read_file(folder / "a.yaml", lambda content: (Study, content))
    config._check_plugins(study, "a.yaml")
    return study


def read_table(folder: Path) -> Table:
    table = reading.read_file(folder / "a.yaml", lambda content: (Table, content))
    config._check_measures(table.measures, "a.yaml")
    return table


def read_claims(folder: Path) -> Claims:
    claims = reading.read_file(folder / "a.yaml", lambda content: (Claims, content))
    config._check_measures([claims.measure], "a.yaml")
    return claims


def read_recipe(folder: Path) -> Any:
    return reading.read_file(folder / "a.yaml", config._by("strategy", STRATEGIES))


def read_figure(folder: Path) -> Any:
    return reading.read_file(folder / "a.yaml", config._by("kind", KINDS))


READERS: dict[str, tuple[dict[str, Any], Callable[[Path], Any]]] = {
    "study": (STUDY, read_study),
    "recipe": (RECIPE, read_recipe),
    "table": (TABLE, read_table),
    "figure": (FIGURE, read_figure),
    "claims": (CLAIMS, read_claims),
}

HUGE, INF, NAN = 10**30, float("inf"), float("nan")
NOT_A_NUMBER = ("1_0", "10", "0x10", "１０", "ten", True, [], {}, [1], INF, NAN, -INF)
WRONG: dict[str, tuple[Any, ...]] = {
    "text": (5, 1.5, True, [], {}, ["a"]),
    "name": (5, True, [], {}, "", "nobody knows this", "$(touch X)", "../x"),
    "choice": (5, True, [], {}, "", "nothing of that kind"),
    "count": (*NOT_A_NUMBER, -1, 0, 1.5, HUGE, -HUGE),
    "number": (*NOT_A_NUMBER, -1, HUGE),
    "whole": (*NOT_A_NUMBER, -1, 1.5, HUGE),
    "seed": (*NOT_A_NUMBER, -1, 1.5, 2**32, HUGE),
    "share": (*NOT_A_NUMBER, -0.1, 1.5, HUGE),
    "positive": (*NOT_A_NUMBER, -1.0, 0, 0.0),
    "flag": (5, 0, 1.5, "maybe", "1", [], {}),
    "mapping": (5, True, "word", [], [1], {"$(touch X)": {}}, {5: 1}),
    "some": (5, True, "word", [], {}, [1]),
    "texts": (5, True, "word", {}, [5], [[]], [None]),
}
"""Values that a key of this kind cannot have, beside null."""

KIND_OF = {
    "study": {
        "text": "title collection.train collection.dev candidates.bm25.title candidates.given.source "
        "backbones.hub.name backbones.package.distribution backbones.package.path",
        "name": "candidates.bm25.first_stage candidates.dense.backbone backbones.more.start "
        "candidates.dense.options.negatives.name",
        "choice": "backbones.bert.source backbones.bert.architecture backbones.bert.initialisation "
        "compute.precision input.passages candidates.given.train.format backbones.more.corpus.source "
        "candidates.given.train.url candidates.given.train.sha256 backbones.package.sha256",
        "count": "collection.train_queries collection.dev_queries depth backbones.bert.layers "
        "backbones.bert.hidden backbones.bert.heads backbones.bert.vocabulary input.max_tokens "
        "input.max_query_tokens input.stride input.max_passages training.epochs training.blocks_per_step "
        "training.checkpoint_every "
        "compute.threads compute.mem_mb compute.runtime compute.chunk_tokens candidates.dense.training.batch "
        "candidates.dense.training.queries candidates.given.train.size backbones.more.batch "
        "backbones.more.negatives backbones.more.steps backbones.more.max_tokens "
        "candidates.dense.options.negatives.per_query candidates.dense.options.negatives.refresh_every "
        "candidates.dense.options.negatives.top",
        "whole": "compute.gpus candidates.dense.training.steps",
        "seed": "seeds.0 backbones.bert.seed backbones.more.seed candidates.dense.training.seed",
        "share": "backbones.bert.dropout training.warmup candidates.bm25.options.b "
        "backbones.more.training.warmup training.adam_betas.0",
        "positive": "training.learning_rate training.gradient_clip backbones.more.objectives.prop",
        "number": "training.weight_decay candidates.bm25.options.k1",
        "flag": "demonstration comparable compute.gradient_cache",
        "mapping": "collection candidates candidates.bm25 candidates.bm25.options candidates.dense.training "
        "candidates.dense.options backbones backbones.bert backbones.more.objectives backbones.more.options "
        "backbones.more.corpus group_sizes input training compute",
        "some": "seeds reranked training.adam_betas",
    },
    "recipe": {
        "choice": "strategy selection cpr forward blocks loss.name",
        "text": "description",
        "some": "levels loss_levels",
        "count": "levels.0 loss_levels.0",
        "positive": "loss.margin",
    },
    "table": {
        "text": "title caption rows.0.label rows.0.backbone rows.0.recipe baseline",
        "choice": "of measures.0",
        "flag": "rows.0.rule_above",
        "texts": "measures candidates",
        "some": "rows",
    },
    "figure": {
        "text": "title caption space.backbone space.candidates",
        "choice": "kind width space.projection space.region",
        "seed": "space.seed",
        "whole": "space.train_queries space.dev_queries",
        "some": "space.recipes",
        "mapping": "space",
    },
    "claims": {
        "text": "title caption claims.one.sentence claims.one.equal.backbone claims.one.than.recipe",
        "choice": "measure claims.one.margin.unit",
        "flag": "published",
        "positive": "claims.one.margin.value",
        "texts": "candidates",
        "mapping": "claims claims.one claims.one.equal claims.one.margin",
    },
}
"""Every key of the files above, by what it holds."""

NULLABLE = {
    *(
        "collection.train_queries",
        "collection.dev_queries",
        "candidates.bm25.title",
        "reranked",
        "space.seed",
    ),
    *("candidates.given.train.url", "candidates.given.train.size", "candidates.given.train.sha256"),
    *("candidates.dense.training.queries", "training.gradient_clip", "space.candidates", "candidates"),
    *("backbones.more.max_tokens", "loss_levels", "input.stride"),
}
"""Keys that may be null."""


def cases() -> Iterator[Case]:
    """Every case."""
    for kind, (content, read) in READERS.items():
        yield Case(f"{kind}: key", "none is wrong", _writes(content), read, "read")
        for holds, keys in KIND_OF[kind].items():
            for key in keys.split():
                for value in (None, *WRONG[holds]):
                    expected = _expected(kind, key, holds, value)
                    name = f"{key}: {value!r}"
                    yield Case(f"{kind}: key", name, _writes(_with(content, key, value)), read, expected)
        yield Case(f"{kind}: key", "unknown", _writes({**content, "unknown": 1}), read)
        for key in content:
            if key not in ("demonstration", "comparable") and kind in ("study", "table"):
                doubled = yaml.safe_dump({key: content[key]}) + yaml.safe_dump(content)
                yield Case(f"{kind}: key", f"{key} twice", _writes_text(doubled), read)
    yield from hardly_yaml()


def _expected(kind: str, key: str, holds: str, value: Any) -> Expected:
    if value is None:
        nullable = key in NULLABLE and not (kind == "study" and key == "candidates")
        return "read" if nullable else "refused"
    fits = key in ("seeds", "loss_levels") and value == [1]
    return "read" if fits or (key == "group_sizes" and value == {5: 1}) else "refused"


def _with(content: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(content)
    *parents, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    place: Any = changed
    for part in parents:
        place = place[part]
    place[last] = value
    return changed


def _writes(content: Any) -> Callable[[Path], None]:
    return _writes_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def _writes_text(text: str | bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "a.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


TAGS = (
    *(
        "!!int",
        "!!float",
        "!!bool",
        "!!null",
        "!!str",
        "!!timestamp",
        "!!binary",
        "!!set",
        "!!omap",
        "!!pairs",
    ),
    *("!!seq", "!!map", "!!python/name:os.system", "!!python/object/apply:os.system", "!!python/tuple"),
    *("!!python/object/new:os.system", "!!python/module:os", "!own", "!<tag:a.org,2002:x>"),
)
VALUES = ("5", "[1, 2]", "{a: 1}", "x", "2020-13-45", '"touch X"')


def hardly_yaml() -> Iterator[Case]:
    """Files that no study is, whatever they are."""
    for tag in TAGS:
        for value in VALUES:
            for text in (f"title: {tag} {value}\n", f"{tag} {value}\n"):
                yield Case("study: tag", text.strip(), _writes_text(text), read_study)
    for bracket in ("[", "{", "{a: [", "- ", "? ", "a:\n ", "[[", "{{"):
        for depth in (21, 400, 5000, 60_000):
            for before in ("", "title: "):
                text = before + bracket * depth
                yield Case("study: nesting", f"{before}{bracket!r} * {depth}", _writes_text(text), read_study)
    for digits in (19, 30, 4000, 4400, 5000, 100_000):
        for key in ("depth", "seeds", "title", "group_sizes"):
            text = f"{key}: {'9' * digits}\n"
            yield Case("study: digits", f"{key}, {digits}", _writes_text(text), read_study)
    for name, text in ODD.items():
        yield Case("study: text", name, _writes_text(text), read_study)


LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefghij", "bcdefghijk", strict=True)
)
ODD: dict[str, str | bytes] = {
    "nothing": "",
    "blanks": " \n\n  \n",
    "a comment": "# nothing\n",
    "a word": "word",
    "a list": "- 1\n- 2\n",
    "two documents": "title: a\n---\ntitle: b\n",
    "a list as key": "? [1, 2]\n: 3\n",
    "a mapping as key": "? {a: 1}\n: 3\n",
    "a list in a list as key": "title: {[a, [b]]: 1}\n",
    "null as key": "~: 1\n",
    "true as key": "true: 1\n",
    "a number with a point as key": "1.5: 1\n",
    "an alias of nothing": "title: *nothing\n",
    "an alias of itself": "title: &a [*a]\n",
    "a mapping that holds itself": "&a title: x\nseeds: &b {c: *b}\n",
    "ten thousand million values": LAUGHS,
    "as many in a place where anything goes": LAUGHS
    + "candidates: {bm25: {first_stage: bm25, options: {k1: *k}}}\n",
    "a merge of a number": "<<: 5\n",
    "a merge of itself": "a: &a {<<: *a}\n",
    "an equals sign": "title: =\n",
    "a tab": "\ttitle: a\n",
    "a quote that does not end": 'title: "a\n',
    "a bracket that does not end": "seeds: [1, 2\n",
    "a brace that does not end": "input: {max_tokens: 5\n",
    "another YAML": "%YAML 9.9\n---\ntitle: a\n",
    "a directive of its own": "%OWN a\n---\ntitle: a\n",
    "NUL": b"title: a\x00b\n",
    "escape": b"title: a\x1b[31m\n",
    "an escaped escape": 'title: "a\\e[31m"\n',
    "an escaped NUL": 'title: "a\\0"\n',
    "half a pair": 'title: "\\ud800"\n',
    "Latin-1": "title: ä\n".encode("latin-1"),
    "UTF-16": "title: a\n".encode("utf-16"),
    "UTF-32": "title: a\n".encode("utf-32"),
    "cut UTF-8": "title: ä".encode()[:-1],
    "random bytes": bytes(range(256)) * 20,
    "only a byte-order mark": b"\xef\xbb\xbf",
    "a gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "JSON that is cut": '{"title": "a", "seeds": [1',
    "JSON with NaN": '{"title": NaN}',
    "300 kB": "# " + "x" * 300_000 + "\n",
    "300 kB of keys": "".join(f"key{i}: 1\n" for i in range(25_000)),
    "a very long key": "k" * 100_000 + ": 1\n",
    "a very long word": "title: a\ndemonstration: " + "x" * 100_000 + "\n",
    "a very long name": "title: a\ncandidates: {" + "x" * 100_000 + ": {first_stage: bm25}}\n",
    "a long first stage": "candidates: {bm25: {first_stage: " + "x" * 100_000 + "}}\n",
    "a long path": "backbones: {bert: {source: folder, path: " + "x" * 5000 + "}}\n",
    "a long part of a path": "backbones: {bert: {source: folder, path: a/" + "x" * 300 + "/b}}\n",
}
"""Texts of a study by what is odd about them."""
