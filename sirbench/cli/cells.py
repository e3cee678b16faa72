"""Verbs for cells: train, re-rank, measure, embed."""

from typing import Annotated

import typer

from sirbench.cli.options import (
    BackboneOption,
    CandidatesOption,
    FoldOption,
    Measured,
    OnOption,
    RecipeOption,
    RerankedOption,
    SeedOption,
    SplitOption,
    StudyOption,
    cell_of,
    check_fold,
    check_known,
    evaluation_of,
    trained_of,
    with_candidates,
)
from sirbench.jobs.folders import Compressor
from sirbench.study import HOME

PANEL = "Cells"
"""What `--help` calls this group."""

verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def train_level(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    level: Annotated[str, typer.Option("--level", help="Name of a compressor, e.g. level1-88-3f2a9c1b.")],
    seed: SeedOption,
    fold: FoldOption = None,
) -> None:
    """Train a compressor that V1 and V2 recipes share, and score its input."""
    from sirbench.steps import training
    from sirbench.training.distributed import start_workers

    config = with_candidates(study, candidates)
    check_known(backbone, "--backbone", config.study.backbones, study)
    check_fold(config, fold)
    start_workers(max(1, config.study.compute.gpus))
    training.train_level(config, Compressor(study, candidates, backbone, level, seed, fold))


@verbs.command(rich_help_panel=PANEL)
def train(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
    fold: FoldOption = None,
) -> None:
    """Train the model of a cell, on all its GPUs; started again after a kill, it resumes."""
    from sirbench.steps.training import train_cell
    from sirbench.training.distributed import start_workers

    config, cell = trained_of(study, candidates, backbone, recipe, seed, fold)
    start_workers(max(1, config.study.compute.gpus))
    train_cell(config, cell)


@verbs.command(rich_help_panel=PANEL)
def rerank(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
    fold: FoldOption = None,
    split: SplitOption = Measured.dev,
    on: OnOption = HOME,
    reranked: RerankedOption = None,
) -> None:
    """Re-rank with a cell's model: the dev candidates, or those of validation or further queries."""
    from sirbench.steps.reranking import rerank_cell, rerank_further, rerank_validation

    config, evaluation = evaluation_of(study, candidates, backbone, recipe, seed, fold, split, on, reranked)
    if split == Measured.validation:
        rerank_validation(config, evaluation.cell)
    elif evaluation.is_own:
        rerank_cell(config, evaluation.cell)
    else:
        rerank_further(config, evaluation)


@verbs.command(rich_help_panel=PANEL)
def evaluate(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
    fold: FoldOption = None,
    split: SplitOption = Measured.dev,
    on: OnOption = HOME,
    reranked: RerankedOption = None,
) -> None:
    """Measure a cell's run, query by query."""
    from sirbench.steps.evaluation import evaluate_cell, evaluate_further, evaluate_validation

    config, evaluation = evaluation_of(study, candidates, backbone, recipe, seed, fold, split, on, reranked)
    if split == Measured.validation:
        evaluate_validation(config, evaluation.cell)
    elif evaluation.is_own:
        evaluate_cell(config, evaluation.cell)
    else:
        evaluate_further(config, evaluation)


@verbs.command(rich_help_panel=PANEL)
def pool_provenance(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
) -> None:
    """Say where a whole cell comes from, once the model of each fold is trained."""
    from sirbench.steps import pooling

    pooling.pool_provenance(*cell_of(study, candidates, backbone, recipe, seed))


@verbs.command(rich_help_panel=PANEL)
def pool_folds(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
    split: SplitOption = Measured.dev,
) -> None:
    """Put the measures of a cell's folds together, each query by the model that was not trained on it."""
    from sirbench.steps import pooling

    step = pooling.pool_folds if split == Measured.dev else pooling.pool_validation
    step(*cell_of(study, candidates, backbone, recipe, seed))


@verbs.command(rich_help_panel=PANEL)
def embed(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
) -> None:
    """Embed a few queries' candidates with a cell's model at the start, middle and end of its training."""
    from sirbench.steps.embedding import embed_cell

    embed_cell(*cell_of(study, candidates, backbone, recipe, seed))
