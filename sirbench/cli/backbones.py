"""Verbs for backbones: bring, tokenise, pre-train."""

from typing import Annotated

import typer

from sirbench.cli.options import BackboneOption, OnOption, StudyOption, check_known, with_backbone
from sirbench.config import load
from sirbench.machine.errors import InputError
from sirbench.study import HOME

PANEL = "Backbones"
"""What `--help` calls this group."""

verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def backbone(study: StudyOption, backbone: BackboneOption) -> None:
    """Bring a backbone into its folder: made, copied, or downloaded, and checked."""
    from sirbench.jobs.pretraining import pretrained
    from sirbench.steps.backbone import fetch_backbone

    config = with_backbone(study, backbone)
    if backbone in pretrained(config.study):
        raise InputError(f"--backbone: {backbone} is pre-trained by the suite; `sirbench pretrain-backbone`")
    fetch_backbone(config, backbone)


@verbs.command(rich_help_panel=PANEL)
def tokenize(study: StudyOption, backbone: BackboneOption, on: OnOption = HOME) -> None:
    """Tokenise the collection, or that of a further set of queries, once for all cells of a backbone."""
    from sirbench.steps import backbone as step

    step.tokenize(with_backbone(study, backbone, on), backbone)


@verbs.command(rich_help_panel=PANEL)
def tokenize_corpus(
    study: StudyOption,
    corpus: Annotated[str, typer.Option("--corpus", help="Name of a corpus, e.g. collection-bert-3f2a9c1b.")],
) -> None:
    """Cut a corpus that backbones are pre-trained on into sentences and tokens."""
    from sirbench.jobs.pretraining import corpora
    from sirbench.steps import pretraining

    config = load(study)
    check_known(corpus, "--corpus", corpora(config.study), study)
    pretraining.tokenize_corpus(config, corpus)


@verbs.command(rich_help_panel=PANEL)
def pretrain_backbone(study: StudyOption, backbone: BackboneOption) -> None:
    """Pre-train a backbone of `source: pretrained`; started again after a kill, it resumes."""
    from sirbench.jobs.pretraining import pretrained
    from sirbench.steps import pretraining

    config = with_backbone(study, backbone)
    if backbone not in pretrained(config.study):
        raise InputError(
            f"--backbone: {backbone} is not pre-trained by the suite; `sirbench backbone` makes it"
        )
    pretraining.pretrain_backbone(config, backbone)
