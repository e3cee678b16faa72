"""From recipes to training jobs: which models a recipe needs, in which order, and which it shares.

V0, V3 and V4 are one job. V1 and V2 are a job per level: compressor i is trained, scores its input, and
passes on the hardest negatives. V1 starts every level at the pre-trained checkpoint, V2 at the level
before. Jobs that are equal, of whatever recipes, are one job: level 1 of V1 and V2 is trained once. And
what a random compressor would have scored is not asked for, so V1 with random selection is one job.
"""

import hashlib
from typing import Any, Literal

from sirbench.config import Configuration
from sirbench.machine.errors import InputError
from sirbench.study import Corpus, PretrainedBackbone, Recipe, Row, Settings, Space, Study, Table

METHOD = 1
"""Revision of the method. Raise it with any change of code that changes a trained model: Snakemake does
not see an edited Python module, but it sees this number, and trains again."""

PRETRAINING = 1
"""Revision of pre-training, likewise: of objectives, corpora and what is drawn from them."""

FIRST_STAGE = 1
"""Revision of the suite's own first stages, likewise: of training and of retrieval."""

SCORING = 1
"""Revision of re-ranking, embedding and measuring, likewise."""


class Job(Settings):
    """All that decides a training job's model, apart from study, candidates, backbone and seed."""

    method: int = METHOD
    step: Literal["single", "v3", "v4"]
    """Which step of sirbench.strategies the loop calls."""
    level: int
    """Level that this job trains (from 1); 0 where one job trains all levels."""
    sizes: tuple[int, ...]
    """Group sizes as in `strategies.Options`; blocks are drawn with the first."""
    selection: Literal["top", "random"]
    loss: str
    loss_levels: tuple[int, ...] | None = None
    cpr: str | None = None
    forward: Literal["fresh", "shared"] = "fresh"
    epochs: int
    fixed_blocks: bool
    """True: the same documents in every epoch (V1 and V2 train on a fixed set)."""
    weights_from: "Job | None" = None
    """The job whose model this one starts from; null: the backbone."""
    negatives_from: "Job | None" = None
    """The compressor whose hardest negatives this one trains on; null: the candidates."""

    @property
    def name(self) -> str:
        """A folder name that differs wherever a job differs, e.g. `level1-88-3f2a9c1b`."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]
        return f"level{self.level}-{self.sizes[-1]}-{digest}"

    @property
    def needs(self) -> list["Job"]:
        """The jobs that must end before this one starts, without repetition."""
        needed = [self.weights_from, self.negatives_from]
        return [job for i, job in enumerate(needed) if job is not None and job not in needed[:i]]


def plan(recipe: Recipe, study: Study) -> Job:
    """The job whose model is the recipe's result, with the jobs it needs inside it."""
    if recipe.strategy in ("v1", "v2"):
        return _plan_levels(recipe, study, len(recipe.levels))
    return Job(
        step="single" if recipe.strategy == "v0" else recipe.strategy,
        level=0,
        sizes=tuple(study.group_size(size) for size in recipe.levels),
        selection="random" if recipe.strategy == "v0" else recipe.selection,
        loss=recipe.loss,
        loss_levels=None if recipe.loss_levels is None else tuple(recipe.loss_levels),
        cpr=recipe.cpr if recipe.strategy == "v4" else None,
        forward=recipe.forward,
        epochs=_epochs(recipe, study, 1),
        fixed_blocks=False,
    )


def compressors(recipe: Recipe, study: Study) -> list[Job]:
    """The other jobs that the recipe's result needs, earlier levels first."""
    found: list[Job] = []

    def collect(job: Job) -> None:
        for needed in job.needs:
            collect(needed)
            if needed not in found:
                found.append(needed)

    collect(plan(recipe, study))
    return found


def made_as(job: Job, study: Study) -> dict[str, Any]:
    """All of a job and its study that decides the trained model, as `provenance.json` keeps it."""
    return {"job": job.model_dump(mode="json"), **training_settings(study)}


def training_settings(study: Study) -> dict[str, Any]:
    """The study's settings that change a trained model, whatever the job; `Compute` says why it is none."""
    training = study.training.model_dump(exclude={"checkpoint_every"})
    return {"training": training, "input": study.input.model_dump(), "depth": study.depth}


def pretrained(study: Study) -> dict[str, PretrainedBackbone]:
    """The backbones of a study that are pre-trained by the suite."""
    return {name: spec for name, spec in study.backbones.items() if isinstance(spec, PretrainedBackbone)}


def corpora(study: Study) -> dict[str, tuple[str, Corpus]]:
    """The corpora of a study's pre-training by name, each with the backbone whose tokenizer cuts it."""
    return {
        corpus_name(study, name): (_root(study, name), spec.corpus)
        for name, spec in pretrained(study).items()
    }


def corpus_name(study: Study, backbone: str) -> str:
    """A folder name for the corpus of a backbone; those of one corpus and tokenizer share it."""
    corpus = pretrained(study)[backbone].corpus
    digest = hashlib.sha256(corpus.model_dump_json().encode()).hexdigest()[:8]
    return f"{corpus.source}-{_root(study, backbone)}-{digest}"


def pretraining_settings(study: Study, backbone: str) -> dict[str, Any]:
    """All that decides a pre-trained backbone's weights, apart from the files that it starts from."""
    spec = pretrained(study)[backbone]
    unimportant = {"training": {"checkpoint_every"}, "max_tokens": True, "max_query_tokens": True}
    return {
        "method": PRETRAINING,
        "pretraining": spec.model_dump(mode="json", exclude=unimportant),
        "input": study.pretraining_input(backbone).model_dump(),
        "collection": study.collection.train,
    }


def level_named(name: str, config: Configuration) -> Job:
    """The compressor of this name among those that the study's recipes need."""
    every = {job.name: job for recipe in config.recipes.values() for job in compressors(recipe, config.study)}
    if name not in every:
        raise InputError(
            f"{name}: no recipe of config/recipes/ needs a level of this name in study {config.name}; "
            f"allowed: {', '.join(sorted(every))}"
        )
    return every[name]


def shown_rows(config: Configuration, table: Table) -> tuple[list[Row], list[str]]:
    """The rows of a table that the study has a backbone for, and the labels of the others."""
    shown = [row for row in table.rows if row.backbone in config.study.backbones]
    return shown, [row.label for row in table.rows if row not in shown]


def shown_candidates(config: Configuration, table: Table) -> list[str]:
    """The candidates of a table that the study has, in the table's order.

    A table of cells shows those that are re-ranked, unless it names others; a table of candidates all.
    """
    every = config.study.columns if table.of == "cells" else config.study.candidates
    wanted = table.candidates or every
    return [name for name in wanted if name in config.study.candidates]


def measured_candidates(config: Configuration, table: Table) -> list[str]:
    """The candidates whose own measures a table needs: those it shows, and those it tests them against."""
    baseline = (
        [table.baseline] if table.of == "candidates" and table.baseline in config.study.candidates else []
    )
    return list(dict.fromkeys([*shown_candidates(config, table), *baseline]))


def cells(config: Configuration, table: Table) -> list[tuple[str, str, str]]:
    """(candidates, backbone, recipe) of every cell that a table needs, its baselines included."""
    pairs = [
        (row.backbone, recipe)
        for row in shown_rows(config, table)[0]
        for recipe in (table.baseline, row.recipe)
    ]
    return [(name, *pair) for name in shown_candidates(config, table) for pair in dict.fromkeys(pairs)]


def space_cells(config: Configuration, space: Space) -> list[tuple[str, str, str, int]]:
    """(candidates, backbone, recipe, seed) of the cells whose semantic space a figure shows, in its order.

    None where the study lacks the figure's backbone, candidates or seed.
    """
    study = config.study
    candidates = space.candidates or study.columns[0]
    seed = study.seeds[0] if space.seed is None else space.seed
    if candidates not in study.candidates or space.backbone not in study.backbones or seed not in study.seeds:
        return []
    return [(candidates, space.backbone, recipe, seed) for recipe in space.recipes]


def embedded_cells(config: Configuration) -> dict[tuple[str, str, str, int], dict[str, int]]:
    """The cells whose space any figure shows, with the number of `train` and `dev` queries to embed.

    These cells keep their model as it is in the middle of training. Queries are chosen so that a figure
    with fewer has a subset of those of a figure with more: the larger number serves both.
    """
    counts: dict[tuple[str, str, str, int], dict[str, int]] = {}
    for space in (figure.space for figure in config.figures.values() if figure.space):
        for cell in space_cells(config, space):
            before = counts.get(cell, {"train": 0, "dev": 0})
            wanted = {"train": space.train_queries, "dev": space.dev_queries}
            counts[cell] = {split: max(before[split], wanted[split]) for split in wanted}
    return counts


def shows_something(config: Configuration, table: Table) -> bool:
    """Whether the study has any cell, or any candidates, that a table shows."""
    shown = cells(config, table) if table.of == "cells" else shown_candidates(config, table)
    return bool(shown)


def measures(config: Configuration) -> list[str]:
    """Every measure that any table of cells shows: what a cell is evaluated by."""
    tables = [table for table in config.tables.values() if table.of == "cells"]
    return list(dict.fromkeys(name for table in tables for name in table.measures))


def candidates_measures(config: Configuration) -> list[str]:
    """What candidates are evaluated by: as cells are, as tables of candidates ask, and by their recall."""
    shown = [name for table in config.tables.values() for name in table.measures]
    return list(dict.fromkeys([*measures(config), recall(config.study), *shown]))


def recall(study: Study) -> str:
    """The measure that no re-ranking changes: recall at the candidates' depth."""
    return f"R@{study.depth}"


def _plan_levels(recipe: Recipe, study: Study, level: int) -> Job:
    """Level `level` of V1 or V2; the first is the same for both, and for either selection."""
    sizes = tuple(study.group_size(size) for size in recipe.levels)
    before = _plan_levels(recipe, study, level - 1) if level > 1 else None
    top = recipe.selection == "top" and before is not None
    return Job(
        step="single",
        level=level,
        # Hard negatives arrive selected; random ones are drawn from the block in each epoch.
        sizes=(sizes[level - 1],) if top or level == 1 else (sizes[0], sizes[level - 1]),
        selection="random",
        loss=recipe.loss,
        epochs=_epochs(recipe, study, level),
        fixed_blocks=True,
        weights_from=before if recipe.strategy == "v2" else None,
        negatives_from=before if top else None,
    )


def _epochs(recipe: Recipe, study: Study, level: int) -> int:
    return recipe.epochs[level - 1] if recipe.epochs else study.training.epochs


def _root(study: Study, backbone: str) -> str:
    """The backbone that a chain of pre-trainings starts from, and whose tokenizer all of them have."""
    spec = study.backbones[backbone]
    return _root(study, spec.start) if isinstance(spec, PretrainedBackbone) else backbone
