"""What a study costs, worked out from the study alone: pairs, floating-point operations, GPU-hours, bytes.

Nothing here is measured. Every pair is taken to be as long as the study allows, so time and bytes are upper
bounds where texts are shorter.
"""

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

from sirbench.data import collections
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.job import Job, compressors, job_of
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import conditions
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.strategies import Pairs
from sirbench.study import Input, Study, Table

FP32 = 4
"""Bytes of a number in a model or an embedding."""


class Encoder(NamedTuple):
    """The sizes of a BERT-like encoder."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int

    def forward_operations(self, tokens: int) -> float:
        """Floating-point operations of one forward of so many tokens.

        2 per weight of the layers' six matrices and token, and 4 n^2 h per layer for attention's two products
        (as counted by Kaplan et al., arXiv 2001.08361, Table 1).
        """
        h, n = self.hidden, tokens
        return self.layers * (2 * n * (4 * h * h + 2 * h * self.intermediate) + 4 * n * n * h)

    @property
    def parameters(self) -> int:
        """Weights of transformers' BertModel: embeddings (512 positions, 2 types), layers, pooler."""
        h, i = self.hidden, self.intermediate
        layer = 4 * (h * h + h) + (h * i + i) + (i * h + h) + 4 * h
        return (self.vocabulary + 512 + 2) * h + 2 * h + self.layers * layer + h * h + h


BERT_BASE = Encoder(layers=12, hidden=768, intermediate=3072, vocabulary=30522)


class Sizes(NamedTuple):
    """How much text a study has."""

    documents: int
    train_queries: int
    dev_queries: int


class Speed(NamedTuple):
    """How fast a GPU trains."""

    pairs_per_second: float
    """Pairs with gradient."""
    passes: int
    """Forwards' worth of work in one of them."""

    def hours(self, pairs: Pairs) -> float:
        """GPU-hours."""
        return (pairs.with_gradient + pairs.forward_only / self.passes) / self.pairs_per_second / 3600


class TableCost(NamedTuple):
    """What the trainings of a table come to, all its candidates and seeds together."""

    trainings: int
    pairs: Pairs
    hours: float
    model_bytes: float


def passes(config: Configuration) -> int:
    """Forwards' worth of work in a pair with gradient: backward is two, the gradient cache one more.

    Under `auto` it is taken to be needed, as memory is not known before.
    """
    return 4 if config.study.compute.gradient_cache else 3


def assumed_speed(config: Configuration, encoder: Encoder, tflops: float) -> Speed:
    """The speed at so many TFLOP/s with every pair at full length."""
    operations = passes(config) * encoder.forward_operations(config.study.input.max_tokens)
    return Speed(tflops * 1e12 / operations, passes(config))


def training_pairs(job: Job, study: Study, queries: int, is_compressor: bool) -> Pairs:
    """Pairs of a whole training job; a compressor scores the negatives of its input once it is trained.

    With redrawn blocks these are all candidates, any of which may be drawn for the next level. Of folds there
    is a job for each, which has the queries of the others.
    """
    queries *= max(1, len(study.collection.folds) - 1)
    pairs = job.strategy.pairs().times(queries * job.epochs)
    if is_compressor:
        scored = job.strategy.levels[0] - 1 if job.strategy.blocks == "fixed" else study.depth
        pairs = pairs.plus(Pairs(forward_only=queries * scored))
    return _of_passages(pairs, study.input)


def recipe_pairs(config: Configuration, recipe: str, queries: int) -> Pairs:
    """Pairs of a recipe on its own: its training with those of all compressors before it."""
    study, spec = config.study, config.recipes[recipe]
    total = training_pairs(job_of(spec, study), study, queries, is_compressor=False)
    for job in compressors(spec, study):
        total = total.plus(training_pairs(job, study, queries, is_compressor=True))
    return total


def reranking_pairs(config: Configuration, sizes: Sizes) -> Pairs:
    """Pairs of one re-ranking of the dev candidates."""
    return _of_passages(Pairs(0, sizes.dev_queries * config.study.depth), config.study.input)


def _of_passages(pairs: Pairs, input: Input) -> Pairs:
    """The same where every document has as many passages as are read: one is trained, after it was chosen."""
    if input.passages == "first":
        return pairs
    chosen = pairs.with_gradient if input.trained_passage == "best" else 0
    return pairs._replace(forward_only=(pairs.forward_only + chosen) * input.max_passages)


def table_cost(config: Configuration, table: Table, sizes: Sizes, speeds: dict[str, Speed]) -> TableCost:
    """What a table's cells cost where nothing of it is there yet: compressors that they share count once.

    `speeds` are by backbone. First stages, the pre-training of backbones, embedding for figures, and what
    re-ranks other candidates or queries than a cell's own are not counted.
    """
    trainings: dict[tuple[str, str, str], tuple[Job, bool]] = {}
    total, hours, model_bytes = Pairs(), 0.0, 0.0
    for one in conditions(config, table):
        spec = config.recipes[one.recipe]
        if not spec.trains:
            continue
        trainings[one.trained_on, one.backbone, one.recipe] = job_of(spec, config.study), False
        for job in compressors(spec, config.study):
            trainings[one.trained_on, one.backbone, job.name] = job, True
    for (_, backbone, _), (job, is_compressor) in trainings.items():
        pairs = training_pairs(job, config.study, sizes.train_queries, is_compressor)
        pairs = pairs if is_compressor else pairs.plus(reranking_pairs(config, sizes))
        total, hours = total.plus(pairs), hours + speeds[backbone].hours(pairs)
        model_bytes += encoder_of(config, backbone)[0].parameters * FP32
    seeds, folds = len(config.study.seeds), max(1, len(config.study.collection.folds))
    models = len(trainings) * seeds * folds
    return TableCost(models, total.times(seeds), hours * seeds, model_bytes * seeds * folds)


def token_bytes(config: Configuration, sizes: Sizes, encoder: Encoder) -> int:
    """Bytes of a token store, at most: token ids and an offset for each document."""
    token = 2 if encoder.vocabulary <= 1 << 16 else 4
    tokens = config.study.input.max_tokens - 3 + config.study.input.further_tokens
    return sizes.documents * (tokens * token + 8)


def index_bytes(sizes: Sizes, encoder: Encoder) -> int:
    """Bytes of one fp32 vector for each document: what a dense first stage searches."""
    return sizes.documents * encoder.hidden * FP32


def sizes_of(config: Configuration) -> Sizes:
    """Of the study's collection: as extracted, otherwise as ir_datasets knows without downloading."""
    spec, record = config.study.collection, Layout(config.name).collection
    if os.path.lexists(record):  # what is there and cannot be read is a mistake, and not a missing file
        places = (("documents",), ("train", "queries"), ("dev", "queries"))
        return Sizes(*_counts(record, places))
    counts = [
        min(filter(None, (collections.count_queries(dataset), limit)))
        for dataset, limit in ((spec.train, spec.train_queries), (spec.dev, spec.dev_queries))
    ]
    return Sizes(collections.count_documents(spec.train), *counts)


def encoder_of(config: Configuration, backbone: str) -> tuple[Encoder, bool]:
    """A backbone's sizes, and whether they are known or assumed to be BERT-base's."""
    spec = config.study.backbones[backbone]
    if spec.source == "pretrained":
        return encoder_of(config, spec.start)
    if spec.source == "tiny":
        return Encoder(spec.layers, spec.hidden, 4 * spec.hidden, spec.vocabulary), True
    folders: list[Path] = [Layout(config.name).backbone(backbone)]
    if spec.source == "folder":
        folders.append(spec.path)
    if spec.source == "package":
        folders += _in_package(spec.distribution.partition("==")[0], spec.path)
    return _read_encoder(folders)


def _in_package(name: str, path: str) -> Sequence[Path]:
    try:
        return [Path(str(distribution(name).locate_file(path)))]
    except PackageNotFoundError:
        return []


def _read_encoder(folders: Sequence[Path]) -> tuple[Encoder, bool]:
    for folder in folders:
        if (folder / "config.json").exists():
            keys = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
            return Encoder(*_counts(folder / "config.json", [(key,) for key in keys])), True
    return BERT_BASE, False


def _counts(path: Path, places: Sequence[Sequence[str]]) -> list[int]:
    """The numbers at some places of a JSON file; InputError for one that cannot be a number of anything."""
    found: list[int] = []
    for place in places:
        value: Any = read_object(path)
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if type(value) is not int or not 0 <= value < 2**40:
            raise InputError(f"{path}: {'.'.join(place)}: {str(value)[:40]} is no number of anything")
        found.append(value)
    return found
