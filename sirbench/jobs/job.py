"""From a recipe to training jobs: which models it needs, in which order, and which it shares.

A strategy that trains all levels together is one job. A chain (V1, V2) is a job per level: compressor i is
trained, scores its input (where blocks are redrawn: all candidates), and passes on the hardest negatives.
Jobs that are equal, of whatever recipes, are one job: level 1 of V1 and V2 is trained once. And what a random
compressor would have scored is not asked for, so a chain with random selection that starts every level anew
is one job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Compressor
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.strategies import Strategy
from sirbench.study import Settings, Study, Training
from sirbench.study.registry import own_code

METHOD = 1
"""Revision of the method. Raise it with any change of code that changes a trained model: Snakemake does
not see an edited Python module, but it sees this number, and trains again."""

PRETRAINING = 1
"""Revision of pre-training, likewise: of objectives, corpora and what is drawn from them."""

FIRST_STAGE = 1
"""Revision of the suite's own first stages, likewise: of training and of retrieval."""

SCORING = 1
"""Revision of re-ranking and measuring, likewise."""

EMBEDDING = 2
"""Revision of embedding, likewise."""


class Job(Settings):
    """All that decides a training job's model, apart from study, candidates, backbone and seed."""

    method: int = METHOD
    strategy: SerializeAsAny[Strategy]
    """What a step computes; its group sizes are the study's, and blocks are drawn with the first."""
    level: int = 0
    """Level that this job trains (from 1); 0 where one job trains all levels."""
    epochs: int
    learning_rate: float | None = Field(None, exclude_if=lambda rate: rate is None)
    """AdamW's peak learning rate, where it is not that of the study's `training`."""
    weights_from: Job | None = None
    """The job whose model this one starts from; null: the backbone."""
    negatives_from: Job | None = None
    """The compressor whose hardest negatives this one trains on; null: the candidates."""
    code: dict[str, str] = Field(default_factory=dict, exclude_if=lambda code: not code)
    """Checksums of the strategy's and the loss's files where they are the user's own."""

    @property
    def name(self) -> str:
        """A folder name that differs wherever a job differs, e.g. `level1-88-3f2a9c1b`."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]
        return f"level{self.level}-{self.strategy.levels[-1]}-{digest}"

    @property
    def selected_by(self) -> list[Job]:
        """The compressors whose runs select what this job trains on, first to last.

        With fixed blocks that is the last one alone: its run is of what those before it passed on.
        """
        if self.negatives_from is None:
            return []
        redrawn = self.strategy.blocks == "redrawn"
        return [*(self.negatives_from.selected_by if redrawn else []), self.negatives_from]

    @property
    def needs(self) -> list[Job]:
        """The jobs that must end before this one starts, without repetition."""
        needed = [self.weights_from, *self.selected_by]
        return [job for i, job in enumerate(needed) if job is not None and job not in needed[:i]]


def job_of(recipe: Strategy, study: Study) -> Job:
    """The job whose model is the recipe's result, with the jobs it needs inside it."""
    if recipe.chain:
        return _level_of(recipe, study, len(recipe.levels))
    sizes = [study.group_size(size) for size in recipe.levels]
    unread = {"epochs": None, "learning_rate": None, "description": ""}
    return Job(
        strategy=recipe.model_copy(update={"levels": sizes, **unread}),
        epochs=_epochs(recipe, study, 1),
        learning_rate=_learning_rate(recipe, study),
        code=_code(recipe),
    )


def compressors(recipe: Strategy, study: Study) -> list[Job]:
    """The other jobs that the recipe's result needs, earlier levels first."""
    found: list[Job] = []

    def collect(job: Job) -> None:
        for needed in job.needs:
            collect(needed)
            if needed not in found:
                found.append(needed)

    collect(job_of(recipe, study))
    return found


def job_of_cell(config: Configuration, cell: Cell) -> Job:
    """The job that trains a cell."""
    return job_of(config.trained[cell.recipe], config.study)


def model_of(config: Configuration, cell: Cell) -> Path:
    """The checkpoint that scores for a cell: its own, or the backbone where nothing is trained."""
    trained = config.trained[cell.recipe].trains
    return cell.model if trained else Layout(config.name).backbone(cell.backbone)


def compressor_of(cell: Cell | Compressor, job: Job) -> Compressor:
    """The folder of a job that comes before the one of a cell, or of another compressor."""
    return Compressor(cell.study, cell.candidates, cell.backbone, job.name, cell.seed, cell.fold)


def levels(config: Configuration) -> dict[str, Job]:
    """The compressors that the study's recipes need, by name."""
    return {job.name: job for recipe in config.trained.values() for job in compressors(recipe, config.study)}


def level_named(name: str, config: Configuration, every: Mapping[str, Job] | None = None) -> Job:
    """The compressor of this name; `every` are those of the study's recipes, where they are known already."""
    every = levels(config) if every is None else every
    if name not in every:
        raise InputError(
            f"{name}: no recipe of config/recipes/ needs a level of this name in study {config.name}; "
            f"allowed: {', '.join(sorted(every))}"
        )
    return every[name]


def made_as(job: Job, study: Study) -> dict[str, Any]:
    """All of a job and its study that decides the trained model, as its provenance keeps it.

    Where nothing is trained there is no job, and what scores is the backbone.
    """
    if not job.strategy.trains:
        return {"job": None, "input": study.input.model_dump(), "depth": study.depth}
    return {"job": job.model_dump(mode="json"), **training_settings(job, study)}


def training_of(job: Job, study: Study) -> Training:
    """How the study trains a job: as it says for all, with the job's own learning rate."""
    return study.training.model_copy(
        update={"learning_rate": job.learning_rate or study.training.learning_rate}
    )


def training_settings(job: Job, study: Study) -> dict[str, Any]:
    """The study's settings that change a job's model; `Compute` says why it is none."""
    training = training_of(job, study).model_dump(exclude={"checkpoint_every"})
    return {"training": training, "input": study.input.model_dump(), "depth": study.depth}


def _level_of(recipe: Strategy, study: Study, level: int) -> Job:
    """Level `level` of a chain; the first is the same for all chains, and for either selection."""
    sizes = [study.group_size(size) for size in recipe.levels]
    before = _level_of(recipe, study, level - 1) if level > 1 else None
    top = before is not None and recipe.selects(level - 1)
    # Hard negatives arrive selected; random ones are drawn from the block in each epoch.
    levels = [sizes[level - 1]] if top or level == 1 else [sizes[0], sizes[level - 1]]
    return Job(
        strategy=recipe.at_level(levels),
        level=level,
        epochs=_epochs(recipe, study, level),
        learning_rate=_learning_rate(recipe, study),
        weights_from=before if recipe.chain == "level before" else None,
        negatives_from=before if top else None,
        code=_code(recipe),
    )


def _code(recipe: Strategy) -> dict[str, str]:
    return own_code("strategies", recipe.strategy) | own_code("losses", recipe.loss)


def _learning_rate(recipe: Strategy, study: Study) -> float | None:
    """The rate of a recipe or its family; None where it is the study's for all: equal jobs are one job."""
    rate = recipe.learning_rate or study.learning_rates.get(recipe.family)
    return None if rate == study.training.learning_rate else rate


def _epochs(recipe: Strategy, study: Study, training: int) -> int:
    return recipe.epochs[training - 1] if recipe.epochs else study.training.epochs
