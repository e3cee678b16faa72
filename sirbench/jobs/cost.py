"""What a study costs, worked out from the study alone: pairs, floating-point operations, GPU-hours, bytes.

Nothing here is measured. Every pair is taken to be as long as the study allows, so time and bytes are upper
bounds where texts are shorter.
"""

import os
from typing import NamedTuple

from sirbench.data import collections
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.encoders import Encoder, encoder_of
from sirbench.jobs.job import Job, compressors, job_of
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import conditions
from sirbench.machine.json_object import read_counts
from sirbench.strategies import Pairs
from sirbench.study import Input, Study, Table

FP32 = 4
"""Bytes of a number in a model or an embedding."""


class Sizes(NamedTuple):
    """How much text a study has."""

    documents: int
    train_queries: int
    dev_queries: int


KEPT = 3
"""Forwards' worth of work in a pair with gradient: backward is two."""
CACHED = KEPT + 1
"""The same with the gradient cache, which repeats the forward."""


class Speed(NamedTuple):
    """How fast a GPU trains."""

    pairs_per_second: float
    """Pairs with gradient."""
    passes: int
    """Forwards' worth of work in one of them."""

    def hours(self, pairs: Pairs) -> float:
        """GPU-hours."""
        return (pairs.with_gradient + pairs.forward_only / self.passes) / self.pairs_per_second / 3600

    @property
    def kept(self) -> "Speed":
        """The same GPU's with all activations kept: no forward is repeated."""
        return Speed(self.pairs_per_second * self.passes / KEPT, KEPT)


class TableCost(NamedTuple):
    """What the trainings of a table come to, all its candidates and seeds together."""

    trainings: int
    pairs: Pairs
    hours: float
    model_bytes: float


def passes(config: Configuration) -> int:
    """Forwards' worth of work in a pair with gradient.

    Under `gradient_cache: auto` all is taken to be repeated, as memory is not known before.
    """
    return CACHED if config.study.compute.gradient_cache else KEPT


def assumed_speed(config: Configuration, encoder: Encoder, tflops: float) -> Speed:
    """The speed at so many TFLOP/s with every pair at full length."""
    operations = passes(config) * encoder.forward_operations(config.study.input.max_tokens)
    return Speed(tflops * 1e12 / operations, passes(config))


def at_full_length(config: Configuration, encoder: Encoder, tokens: int, pairs: Pairs) -> Pairs:
    """As many of the study's longest pairs as take the operations of these, of other greatest length."""
    longest = encoder.forward_operations(config.study.input.max_tokens)
    return pairs.times(encoder.forward_operations(tokens) / longest)


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

    `speeds` are by backbone. What tables share is counted elsewhere: first stages and the pre-training of
    backbones. Embedding for figures, and what re-ranks other candidates or queries than a cell's own, are not
    counted.
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
        return Sizes(*read_counts(record, places))
    counts = [
        min(filter(None, (collections.count_queries(dataset), limit)))
        for dataset, limit in ((spec.train, spec.train_queries), (spec.dev, spec.dev_queries))
    ]
    return Sizes(collections.count_documents(spec.train), *counts)
